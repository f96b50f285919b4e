"""`scope.toml`: which screens the portal has, which workflows stay with support, and the tickets behind each.

The file is drafted from an audit, edited by people and signed. What customers read on the help page comes from it.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from portal.config import ROOT
from portal.errors import ConflictError

SIGNED = "[signed]"
HEAD = """\
# What the customer portal does, and what stays with support. Drafted from an audit of the tickets by
# `flask scope draft --audit DIR`, which keeps what people change here: titles, texts, where a reason stands.
# Customers read titles and texts at /account/help. `flask scope sign --by NAME` signs it and writes docs/scope.md.
"""
PARTS = ("screens", "support")
ENTRY_KINDS: dict[str, type] = {"title": str, "text": str, "tickets": dict}
AUDIT_KINDS: dict[str, type] = {"tickets": int, "unclear": int, "since": date, "until": date}
SIGNED_KINDS: dict[str, type] = {"by": str, "at": date, "sha256": str}
OPTIONAL = {"since", "until"}
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class ScopeError(ConflictError):
    """The scope is missing, cannot be read, or would lose what somebody wrote. The message names file and place."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A screen, or a workflow that stays with support; `tickets` counts those behind it, by reason."""

    key: str
    title: str
    text: str
    tickets: Mapping[str, int]

    @property
    def count(self) -> int:
        """The tickets of all its reasons."""
        return sum(self.tickets.values())


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """The audit that the counts come from: its requests, how many of them are unclear, and its first and last day.

    The days (UTC) are None where the tickets carry no dates.
    """

    tickets: int
    unclear: int
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, on which day (UTC), and the SHA-256 of the text, the name and the day, in hex."""

    by: str
    at: date
    sha256: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The whole document."""

    audit: AuditFacts
    screens: tuple[Entry, ...]
    support: tuple[Entry, ...]
    signature: Signature | None = None

    @property
    def entries(self) -> Iterator[Entry]:
        """Screens, then workflows."""
        yield from self.screens
        yield from self.support

    def screen(self, name: str) -> Entry | None:
        """The entry of one screen."""
        return next((entry for entry in self.screens if entry.key == name), None)


@dataclass(frozen=True, slots=True)
class ScopeFiles:
    """Where the two files are."""

    folder: Path = ROOT

    @property
    def toml(self) -> Path:
        """The file that people edit."""
        return self.folder / "scope.toml"

    @property
    def page(self) -> Path:
        """The page written from it."""
        return self.folder / "docs" / "scope.md"


@cache
def portal_scope() -> Scope | None:
    """The scope of this portal, read once a process; None where there is none that can be read."""
    try:
        return parse_scope(ScopeFiles().toml.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ScopeError):
        return None


def parse_scope(text: str) -> Scope:
    """Raises `ScopeError`, which names what is wrong and where."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScopeError(f"scope.toml cannot be read: {error}") from None
    _refuse_others("", data, {"audit", "signed", *PARTS})
    signed = data.get("signed")
    return Scope(
        AuditFacts(**_typed("audit", data.get("audit"), AUDIT_KINDS)),
        screens=_entries("screens", data.get("screens", {})),
        support=_entries("support", data.get("support", {})),
        signature=None if signed is None else Signature(**_typed("signed", signed, SIGNED_KINDS)),
    )


def render_scope(scope: Scope) -> str:
    """The text of the file, unsigned; `parse_scope` of it gives the same scope."""
    audit = scope.audit
    lines = [HEAD, "[audit]", f"tickets = {audit.tickets}", f"unclear = {audit.unclear}"]
    lines += [f"{name} = {day}" for name, day in (("since", audit.since), ("until", audit.until)) if day]
    lines.append("")
    for part in PARTS:
        for entry in getattr(scope, part):
            lines += [
                f"[{part}.{entry.key}]",
                f"title = {_quoted(entry.title)}",
                f"text = {_quoted(entry.text)}",
            ]
            tickets = ", ".join(f"{reason} = {count}" for reason, count in entry.tickets.items())
            lines += [f"tickets = {{ {tickets} }}" if tickets else "tickets = {}", ""]
    return "\n".join(lines)


def render_signature(signature: Signature) -> str:
    """The last lines of the file."""
    return f'{SIGNED}\nby = {_quoted(signature.by)}\nat = {signature.at}\nsha256 = "{signature.sha256}"\n'


def _entries(part: str, rows: object) -> tuple[Entry, ...]:
    if not isinstance(rows, dict):
        raise ScopeError(f"scope.toml: {part} has to be a table.")
    for key in rows:
        if not BARE_KEY.fullmatch(key):
            raise ScopeError(f"scope.toml: {part}.{key}: letters, digits, - and _ are possible in a name.")
    return tuple(Entry(key, **_typed(f"{part}.{key}", row, ENTRY_KINDS)) for key, row in rows.items())


def _typed(place: str, row: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    """A table with exactly these keys, each of its kind; `tickets` of an entry count by reason."""
    if not isinstance(row, dict):
        raise ScopeError(f"scope.toml: the table [{place}] is missing.")
    _refuse_others(f"{place}.", row, kinds)
    for key, kind in kinds.items():
        if type(row.get(key)) is not kind and not (key in OPTIONAL and key not in row):
            raise ScopeError(f"scope.toml: {place}.{key} is missing or of the wrong kind.")
    for reason, count in row["tickets"].items() if kinds is ENTRY_KINDS else ():
        if type(count) is not int or count < 0 or not BARE_KEY.fullmatch(reason):
            raise ScopeError(f"scope.toml: {place}.tickets has to give a count for each reason.")
    return row


def _refuse_others(place: str, row: Mapping[str, object], known: Collection[str]) -> None:
    for key in row:
        if key not in known:
            raise ScopeError(f"scope.toml: {place}{key} is not known here.")


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the slash that neither needs."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
