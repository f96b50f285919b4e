"""What a transaction leaves behind besides its change: audit rows and outbox rows, written with the commit.

Rows are collected in the session and written by as few statements as each engine allows, right before the commit, so
that the lock on a chain's head is held only that long. They are part of the same transaction: change, audit row and
outbox row are there together or not at all. A query for one of those rows writes what is waiting first.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session

from portal.audit.chain import START, AuditKey, audit_keys, row_hash
from portal.audit.models import AuditEntry
from portal.context import current_settings
from portal.database import PortalSession
from portal.notifications.models import OutboxMessage

Values = dict[str, Any]
Step = tuple[str, tuple[Any, ...]]
"""A statement in the driver's words, and what is bound to it."""
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
ENTRY_VALUES, MESSAGE_VALUES = itemgetter(*ENTRY_COLUMNS), itemgetter(*MESSAGE_COLUMNS)
JSON_COLUMNS = {"before", "after", "payload"}
MOST_ROWS = 40  # in one statement: SQLite takes 32,766 values, and long statements are worth no cache
MOST_STEPS = 8
as_json = json.JSONEncoder(sort_keys=True).encode


@dataclass(slots=True)
class Journal:
    """What is waiting for the commit."""

    entries: list[Values] = field(default_factory=list)
    messages: list[Values] = field(default_factory=list)


def journal_of(session: Session) -> Journal:
    """The journal of the running transaction."""
    found: Journal | None = session.info.get("journal")
    if found is None:
        if not session.in_transaction():
            session.begin()  # else a rollback before the first statement would forget nothing
        found = session.info["journal"] = Journal()
    return found


@event.listens_for(PortalSession, "before_commit")
def write_journal(session: Session) -> None:
    """Write what is waiting, after the changes it tells of."""
    if "is_half_written" in session.info:
        raise RuntimeError("the journal could not be written: this transaction can only be rolled back")
    waiting: Journal | None = session.info.pop("journal", None)
    if waiting is None:
        return
    session.info["is_half_written"] = True  # until all of it is: a second commit must not leave the rows out
    session.flush()
    driver = Driver(session.connection())
    session.info["has_written"] = True
    steps = [_chain_up(driver, rows) for rows in _by_chain(waiting.entries)]
    steps += _inserts(waiting, is_postgres=driver.is_postgres)
    # Not with two inserts into one table: the order of their ids would be anybody's guess.
    is_short = len(waiting.entries) <= MOST_ROWS >= len(waiting.messages)
    if driver.is_postgres and is_short and 1 < len(steps) <= MOST_STEPS:
        steps = [_as_one(steps)]
    for text, bound in steps:
        driver.run(text, bound)
    del session.info["is_half_written"]


@event.listens_for(PortalSession, "do_orm_execute")
def write_before_reading(state: ORMExecuteState) -> None:
    """Who asks for the log or the outbox sees what this transaction has put there."""
    if "journal" in state.session.info and any(
        mapper.class_ in (AuditEntry, OutboxMessage) for mapper in state.all_mappers
    ):
        write_journal(state.session)


class Driver:
    """The driver's own cursor in the session's transaction: SQLAlchemy's way to it costs more than the statements."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self._connection = connection
        self.is_postgres = connection.dialect.name == "postgresql"
        self._cursor = connection.connection.cursor()

    def run(self, text: str, bound: tuple[Any, ...]) -> Any:
        """One statement; the cursor, with its rows. Raises what SQLAlchemy would raise."""
        errors = self.dialect.loaded_dbapi.Error
        try:
            self._cursor.execute(text, bound)
        except errors as error:
            is_broken = self.dialect.is_disconnect(error, self._cursor.connection, self._cursor)
            if is_broken:
                self._connection.invalidate(error)  # else the rollback would be tried on it, and fail too
            raise DBAPIError.instance(
                text,
                bound,
                error,
                errors,
                hide_parameters=True,
                connection_invalidated=is_broken,
                dialect=self.dialect,
            ) from error
        return self._cursor


def _by_chain(entries: list[Values]) -> Iterable[list[Values]]:
    """The rows of each chain. Chains are locked in the order of their names, so that no two writers wait in a ring."""
    ordered = sorted(entries, key=itemgetter("chain"))
    return [list(rows) for _, rows in groupby(ordered, key=itemgetter("chain"))]


def _chain_up(driver: Driver, entries: list[Values]) -> Step:
    """Give the rows of one chain number, time and hash; how its head is moved. It stays locked until the commit."""
    key: AuditKey = next(iter(audit_keys(current_settings()).values()))
    name = entries[0]["chain"]
    now, position, previous = _lock_head(driver, name)
    for entry in entries:
        position += 1
        entry.update(position=position, previous_hash=previous, key_id=key.id)
        entry["created_at"] = entry.get("created_at") or now
        previous = entry["hash"] = row_hash(key, entry)
    return MOVE_HEAD[driver.dialect.name], (position, previous, name)


def _lock_head(driver: Driver, name: str) -> tuple[datetime, int, str]:
    """The database's time, and number and hash of the chain's last row. Makes the head of a new chain."""
    read = READ_HEAD[driver.dialect.name]
    row = driver.run(read, (name,)).fetchone()
    if row is None:
        driver.run(NEW_HEAD[driver.dialect.name], (name, 0, START))
        row = driver.run(read, (name,)).fetchone()
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


def _inserts(waiting: Journal, *, is_postgres: bool) -> Iterator[Step]:
    """Both tables' rows, some at a time."""
    for entry in waiting.entries:
        _make_plain(entry, ("before", "after"), () if is_postgres else ("created_at",))
    for message in waiting.messages:
        _make_plain(message, ("payload",), () if is_postgres else ("created_at", "next_attempt_at"))
    for table, columns, values_of, rows in (
        ("portal_audit", ENTRY_COLUMNS, ENTRY_VALUES, waiting.entries),
        ("outbox", MESSAGE_COLUMNS, MESSAGE_VALUES, waiting.messages),
    ):
        for start in range(0, len(rows), MOST_ROWS):
            some = rows[start : start + MOST_ROWS]
            text = _insert_text(table, columns, len(some), "%s" if is_postgres else "?")
            yield text, tuple(chain.from_iterable(map(values_of, some)))


@lru_cache
def _insert_text(table: str, columns: tuple[str, ...], count: int, mark: str) -> str:
    """Names are ours; every value is bound."""
    marks = ", ".join(f"{mark}::json" if name in JSON_COLUMNS and mark == "%s" else mark for name in columns)
    rows = ", ".join([f"({marks})"] * count)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}"  # noqa: S608  # nosec B608


def _as_one(steps: list[Step]) -> Step:
    """Several statements that change different rows as one, so that one answer is waited for."""
    bound = chain.from_iterable(bound for _, bound in steps)
    return _joined(*(text for text, _ in steps)), tuple(bound)


@lru_cache
def _joined(*texts: str) -> str:
    *others, last = texts
    parts = ", ".join(f"step_{number} AS ({text})" for number, text in enumerate(others))
    return f"WITH {parts} {last}"


def _make_plain(row: Values, jsons: Iterable[str], times: Iterable[str]) -> None:
    """As the driver takes them: JSON as text, and where the driver knows no times those as SQLAlchemy stores them."""
    for name in jsons:
        if row[name] is not None:
            row[name] = as_json(row[name])
    for name in times:
        row[name] = row[name].astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
