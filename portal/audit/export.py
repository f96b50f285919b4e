"""The log as a file: the same rows as on the page, with everything that a row holds, its hash too."""

import json
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine

from portal.actor import ActorKind
from portal.audit.queries import LogFilter, whole_rows
from portal.audit.wording import sentence
from portal.database import AnyRow
from portal.kit.csv import csv_lines

COLUMNS = (
    "created_at",
    "organization_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "entity_type",
    "entity_id",
    "entity_name",
    "before",
    "after",
    "reason",
    "address",
    "agent",
    "request_id",
    "chain",
    "position",
    "previous_hash",
    "hash",
    "key_id",
)
HEADER = ("words", *COLUMNS)


class FileKind(StrEnum):
    """The formats; the value is the end of the file's name."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def label(self) -> str:
        """As people say it."""
        return "CSV" if self is FileKind.CSV else "JSON Lines"

    @property
    def media_type(self) -> str:
        """What the file is sent as."""
        kind = "text/csv" if self is FileKind.CSV else "application/jsonl"
        return f"{kind}; charset=utf-8"


def export_lines(
    engine: Engine, wanted: LogFilter, kind: FileKind, *, for_customer: bool = False
) -> Iterator[bytes]:
    """What is wanted, a line at a time, newest first. Times are UTC in ISO 8601.

    CSV begins with a header and is safe to open in a spreadsheet; there `before` and `after` are JSON in one cell.
    Customers do not learn where somebody of the staff was, and with what.
    """
    records = (_record(row, for_customer) for row in whole_rows(engine, wanted))
    if kind is FileKind.CSV:
        return csv_lines(HEADER, map(_cells, records))
    return (json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def _record(row: AnyRow, for_customer: bool) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    if for_customer and row.actor_kind is ActorKind.STAFF:
        values.update(address=None, agent=None)
    return {
        "words": sentence(row.action, row.entity_name),
        **{
            name: value.isoformat() if isinstance(value := values[name], datetime) else value
            for name in COLUMNS
        },
    }


def _cells(record: dict[str, Any]) -> list[Any]:
    return [
        json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else value
        for value in record.values()
    ]
