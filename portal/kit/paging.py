"""Keyset pages: a page is as fast at the end of a list as at its start."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from portal.errors import InvalidInputError

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a longer list; `next_cursor` is None on the last page."""

    rows: Sequence[Row]
    next_cursor: str | None


def encode_cursor(values: Sequence[Any]) -> str:
    """The sort values of the last row shown, as text for a URL."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, kinds: Sequence[type]) -> tuple[Any, ...] | None:
    """What `encode_cursor` was given, or None without a cursor. Raises `InvalidInputError` for anything else."""
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, UnicodeDecodeError, RecursionError):
        values = None
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise InvalidInputError(
            "This page address is not complete. Start from the first page.", field="after"
        )
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise InvalidInputError(
            "This page address is not complete. Start from the first page.", field="after"
        )
    return tuple(values)


def make_page(rows: Sequence[Row], size: int, sort_values: Any) -> Page[Row]:
    """A page from `size + 1` fetched rows: the extra one only says that there is more."""
    shown = rows[:size]
    return Page(shown, encode_cursor(sort_values(shown[-1])) if len(rows) > size else None)
