"""Keyset pages: a page is as fast at the end of a list as at its start."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from portal.errors import InvalidInputError

Row = TypeVar("Row")
LARGEST_NUMBER = 2**63 - 1


class BadCursorError(InvalidInputError):
    """Text that no page gave out."""

    def __init__(self) -> None:
        super().__init__("This page address is not complete. Start from the first page.", field="after")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a longer list; `next_cursor` is None on the last page."""

    rows: Sequence[Row]
    next_cursor: str | None


def encode_cursor(values: Sequence[Any]) -> str:
    """The sort values of the last row shown, as text for a URL."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, kinds: Sequence[type]) -> tuple[Any, ...] | None:
    """What `encode_cursor` was given, or None without a cursor. Raises `BadCursorError` for anything else."""
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, UnicodeDecodeError, RecursionError):
        raise BadCursorError from None
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise BadCursorError
    if not all(_can_be_compared(value) for value in values):
        raise BadCursorError
    return tuple(values)


def decode_time(text: str) -> datetime:
    """A time out of a cursor: aware, and of a year that databases know. Raises `BadCursorError`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadCursorError from None
    if moment.tzinfo is None or not 1900 < moment.year < 9999:
        raise BadCursorError
    return moment.astimezone(UTC)


def make_page(rows: Sequence[Row], size: int, sort_values: Any) -> Page[Row]:
    """A page from `size + 1` fetched rows: the extra one only says that there is more."""
    shown = rows[:size]
    return Page(shown, encode_cursor(sort_values(shown[-1])) if len(rows) > size else None)


def _can_be_compared(value: Any) -> bool:
    """No NUL and no half of a surrogate pair in text, no number beyond a bigint."""
    if isinstance(value, str):
        return not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in value)
    return isinstance(value, int) and abs(value) <= LARGEST_NUMBER
