"""Rows of the log as they lie in the database, for checking: what somebody has bent must be readable too."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, cast, select, type_coerce
from sqlalchemy.engine import Connection

from portal.audit.chain import HASHED
from portal.audit.models import AuditEntry
from portal.database import AnyRow

Values = dict[str, Any]
JSON_COLUMNS = {"before", "after"}
COLUMNS = ("id", *HASHED, "key_id", "hash")
BATCH = 1000


class UnreadableRowError(ValueError):
    """A row holds what the portal never writes."""


def logged_rows(connection: Connection) -> Iterator[AnyRow]:
    """Every row by chain and position, a batch in memory at a time. Values are as stored, not yet read."""
    ordered = RAW_ROWS.order_by(AuditEntry.chain, AuditEntry.position, AuditEntry.id)
    result = connection.execute(ordered, execution_options={"stream_results": True, "yield_per": BATCH})
    yield from result


def values_of(row: AnyRow) -> Values:
    """The row as it was when it was hashed. Raises `UnreadableRowError`."""
    values = dict(zip(COLUMNS, row, strict=True))
    try:
        for name in JSON_COLUMNS:
            values[name] = _object(values[name])
        values["created_at"] = _moment(values["created_at"])
    except (ValueError, TypeError, RecursionError):
        raise UnreadableRowError from None
    if type(values["position"]) is not int or not all(
        isinstance(values[name], str) for name in ("key_id", "previous_hash", "hash")
    ):
        raise UnreadableRowError
    return values


def _raw(name: str) -> ColumnElement[Any]:
    """Past the column's own type, which refuses what it does not know."""
    column = getattr(AuditEntry, name)
    return cast(column, Text) if name in JSON_COLUMNS else type_coerce(column, String)


RAW_ROWS: Select[Any] = select(*(_raw(name).label(name) for name in COLUMNS))


def _object(text: str | None) -> dict[str, Any] | None:
    found = None if text is None else json.loads(text)
    if found is not None and not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _moment(value: object) -> datetime:
    """SQLite gives the text that is stored, Postgres the time."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)  # type: ignore[arg-type]
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
