# ruff: noqa: RUF001 - the letters of other languages are meant
"""The phrases of `phrases.toml`, as compiled expressions."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

PHRASES_FILE = Path(__file__).with_name("phrases.toml")
_FLAGS = re.IGNORECASE


@cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads(PHRASES_FILE.read_text(encoding="utf-8"))


@cache
def one_of(name: str) -> re.Pattern[str]:
    """Any phrase of the list `name`; use `fullmatch` for lines and `match` for beginnings."""
    return re.compile("|".join(f"(?:{phrase})" for phrase in _phrases()[name]), _FLAGS)


@cache
def wrote_line(is_one: bool) -> re.Pattern[str]:
    """What stands above a quoted message: one line, or several, which must begin in a way that tells."""
    pairs = "|".join(f"(?:{begin}.{{0,250}}{end})" for begin, end in _phrases()["wrote"] if begin or is_one)
    return re.compile(rf"(?:{pairs})\s*", _FLAGS | re.DOTALL)


@cache
def header_lines() -> re.Pattern[str]:
    """Two header lines of a message, one above the other: who sent it, and when, to whom or about what."""
    phrases = _phrases()
    begin, following = phrases["header_from"], phrases["header_next"]
    return re.compile(rf"\*?{begin} ?\*?[:：].+\n(?:.+\n)?\*?{following} ?\*?[:：]", _FLAGS)


@cache
def header_line() -> re.Pattern[str]:
    """One such line by itself."""
    phrases = _phrases()
    return re.compile(rf"[>\s]*\*?(?:{phrases['header_from']}|{phrases['header_next']}) ?\*?[:：].*", _FLAGS)
