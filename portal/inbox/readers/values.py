"""Values of decoded JSON as help desks send them: never where they are promised, often null."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from portal.inbox.readers.options import ReadReport

Object = Mapping[str, Any]
EARLIEST, LATEST = datetime(1995, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""No ticket was written before or after."""
LONGEST_TIME = 32

_LIKE_TIME = re.compile(
    r"(?:\d{1,4}[./\-年]\s?\d{1,2}[./\-月]\s?\d{1,4}日?"
    r"|(?:[^\W\d_]{2,4}\.?,? )?\d{1,2}[. -]{1,2}[^\W\d_]{3,4}[. -]{1,2}\d{2,4})"
    r"(?:,?[T ]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d{1,6})?)?)?(?: ?(?:[AaPp][Mm]|Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)


def quoted_time(value: str) -> str:
    """`: '...'` for a value that has the look of a date, else `""`: it may be somebody's name or text."""
    text = value.strip()
    return f": {text!r}" if len(text) <= LONGEST_TIME and _LIKE_TIME.fullmatch(text) else ""


def at(value: Any, *path: str) -> Any:
    """What stands at the path, None where it ends early."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: Any) -> str:
    """A string or a number as text, anything else as `""`."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(value: Any) -> float | None:
    """A number, also where it is a string; None for what is none, negative or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def objects(value: Any) -> Iterator[Object]:
    """The objects of a list."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def from_epoch(seconds: float) -> datetime | None:
    """The time so many seconds (or, where that would be absurd, milliseconds) after 1970."""
    if seconds > 1e11:
        seconds /= 1000
    if not EARLIEST.timestamp() <= seconds <= LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def iso_time(value: str) -> datetime | None:
    """An ISO 8601 time; without a zone it is UTC. None for any other text and for times that cannot be."""
    try:
        found = datetime.fromisoformat(value.strip().replace(" UTC", "Z"))
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found if EARLIEST <= found <= LATEST else None


class Times:
    """Reads the times of one ticket, and says which of them cannot be."""

    def __init__(self, line: int, report: ReadReport) -> None:
        self.line = line
        self.report = report

    def read(self, value: Any, field: str) -> datetime | None:
        """`value` as an ISO time or as seconds since 1970; None for null and for what is no time (reported)."""
        if value is None or value == "":
            return None
        seconds = number(value)
        found = from_epoch(seconds) if seconds is not None else iso_time(text(value))
        if found is None:
            self.report.problem(self.line, field, f"is no time{quoted_time(str(value))}")
        return found
