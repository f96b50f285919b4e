"""What a transaction leaves behind besides its change: audit rows and outbox rows, written with the commit.

Rows are collected in the session and written by as few statements as each engine allows, right before the commit, so
that the lock on a chain's head is held only that long. They are part of the same transaction: change, audit row and
outbox row are there together or not at all. A query for one of those rows writes what is waiting first.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import ORMExecuteState, Session

from portal.audit.chain import START, AuditKey, audit_keys, row_hash
from portal.audit.models import AuditEntry
from portal.context import current_settings
from portal.database import PortalSession
from portal.notifications.models import OutboxMessage

Values = dict[str, Any]
ENTRY_COLUMNS = tuple(column.name for column in AuditEntry.__table__.columns if column.name != "id")
MESSAGE_COLUMNS = (
    "organization_id",
    "channel",
    "topic",
    "recipient",
    "payload",
    "message_key",
    "status",
    "attempts",
    "created_at",
    "next_attempt_at",
)
JSON_COLUMNS = {"before", "after", "payload"}
MOST_ROWS = 40  # in one statement: SQLite takes 32,766 values, and long statements are worth no cache


@dataclass(slots=True)
class Journal:
    """What is waiting for the commit."""

    entries: list[Values] = field(default_factory=list)
    messages: list[Values] = field(default_factory=list)


def journal_of(session: Session) -> Journal:
    """The journal of the running transaction."""
    found: Journal | None = session.info.get("journal")
    if found is None:
        found = session.info["journal"] = Journal()
    return found


@event.listens_for(PortalSession, "before_commit")
def write_journal(session: Session) -> None:
    """Write what is waiting, after the changes it tells of."""
    waiting: Journal | None = session.info.pop("journal", None)
    if waiting is None:
        return
    session.flush()
    connection = session.connection()
    session.info["has_written"] = True
    entries = [row for chain in _by_chain(waiting.entries) for row in _chained(connection, chain)]
    _insert(connection, entries, waiting.messages)


@event.listens_for(PortalSession, "do_orm_execute")
def write_before_reading(state: ORMExecuteState) -> None:
    """Who asks for the log or the outbox sees what this transaction has put there."""
    if "journal" in state.session.info and any(
        mapper.class_ in (AuditEntry, OutboxMessage) for mapper in state.all_mappers
    ):
        write_journal(state.session)


def _by_chain(entries: list[Values]) -> Iterable[list[Values]]:
    """The rows of each chain. Chains are locked in the order of their names, so that no two writers wait in a ring."""
    ordered = sorted(entries, key=itemgetter("chain"))
    return [list(rows) for _, rows in groupby(ordered, key=itemgetter("chain"))]


def _chained(connection: Connection, entries: list[Values]) -> list[Values]:
    """The rows with number, time and hash; moves the head of their chain, which stays locked until the commit."""
    key: AuditKey = next(iter(audit_keys(current_settings()).values()))
    chain = entries[0]["chain"]
    now, position, previous = _lock_head(connection, chain)
    for entry in entries:
        position += 1
        entry.update(position=position, previous_hash=previous, key_id=key.id)
        entry["created_at"] = entry.get("created_at") or now
        previous = entry["hash"] = row_hash(key, entry)
    _run(connection, MOVE_HEAD[connection.dialect.name], (position, previous, chain))
    return entries


def _lock_head(connection: Connection, chain: str) -> tuple[datetime, int, str]:
    """The database's time, and number and hash of the chain's last row. Makes the head of a new chain."""
    read = READ_HEAD[connection.dialect.name]
    row = _run(connection, read, (chain,)).one_or_none()
    if row is None:
        _run(connection, NEW_HEAD[connection.dialect.name], (chain, 0, START))
        row = _run(connection, read, (chain,)).one()
    now = datetime.fromisoformat(f"{row[0]}+00:00") if isinstance(row[0], str) else row[0].astimezone(UTC)
    return now, row[1], row[2]


READ_HEAD = {
    # The row is read again once its lock was waited for, and the clock with it.
    "postgresql": "SELECT clock_timestamp(), position, hash FROM audit_heads WHERE chain = %s FOR UPDATE",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now'), position, hash FROM audit_heads WHERE chain = ?",
}
NEW_HEAD = {
    "postgresql": "INSERT INTO audit_heads (chain, position, hash) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
    "sqlite": "INSERT INTO audit_heads (chain, position, hash) VALUES (?, ?, ?)",
}
MOVE_HEAD = {
    "postgresql": "UPDATE audit_heads SET position = %s, hash = %s WHERE chain = %s",
    "sqlite": "UPDATE audit_heads SET position = ?, hash = ? WHERE chain = ?",
}


def _insert(connection: Connection, entries: list[Values], messages: list[Values]) -> None:
    """On Postgres both inserts are one statement."""
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres and entries and messages and len(entries) + len(messages) <= MOST_ROWS:
        text = (
            f"WITH entries AS ({_insert_text('portal_audit', ENTRY_COLUMNS, len(entries), '%s')}) "
            f"{_insert_text('outbox', MESSAGE_COLUMNS, len(messages), '%s')}"
        )
        _run(connection, text, (*_bound(entries, ENTRY_COLUMNS), *_bound(messages, MESSAGE_COLUMNS)))
        return
    mark = "%s" if is_postgres else "?"
    for table, columns, rows in (
        ("portal_audit", ENTRY_COLUMNS, entries),
        ("outbox", MESSAGE_COLUMNS, messages),
    ):
        for start in range(0, len(rows), MOST_ROWS):
            some = rows[start : start + MOST_ROWS]
            _run(connection, _insert_text(table, columns, len(some), mark), _bound(some, columns))


@lru_cache
def _insert_text(table: str, columns: tuple[str, ...], count: int, mark: str) -> str:
    """Names are ours; every value is bound."""
    marks = ", ".join(f"{mark}::json" if name in JSON_COLUMNS and mark == "%s" else mark for name in columns)
    rows = ", ".join([f"({marks})"] * count)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}"  # noqa: S608  # nosec B608


def _bound(rows: list[Values], columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(_plain(row[name], name) for row in rows for name in columns)


def _plain(value: Any, name: str) -> Any:
    if name in JSON_COLUMNS:
        return None if value is None else json.dumps(value, sort_keys=True)
    return value


def _run(connection: Connection, text: str, values: tuple[Any, ...]) -> Any:
    if connection.dialect.name == "sqlite":
        values = tuple(_sqlite_time(value) if isinstance(value, datetime) else value for value in values)
    return connection.exec_driver_sql(text, values)


def _sqlite_time(value: datetime) -> str:
    """As SQLAlchemy stores it: UTC without a zone, six digits of a second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
