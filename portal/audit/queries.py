"""Selects of the audit log: pages, newest first, by any mixture of who, what, where and when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, select, tuple_

from portal.actor import ActorKind
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.database import AnyRow, reading_engine
from portal.extensions import db
from portal.kit.paging import Page, decode_cursor, decode_time, make_page

PAGE_SIZE = 30
EXPORT_BATCH = 500
ENTRY_ROWS = select(
    AuditEntry.id,
    AuditEntry.organization_id,
    AuditEntry.actor_kind,
    AuditEntry.actor_id,
    AuditEntry.actor_name,
    AuditEntry.action,
    AuditEntry.entity_type,
    AuditEntry.entity_name,
    AuditEntry.before,
    AuditEntry.after,
    AuditEntry.reason,
    AuditEntry.address,
    AuditEntry.created_at,
)
WHOLE_ROWS: Select[Any] = select(*AuditEntry.__table__.columns)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which rows are wanted; None does not choose. `action` is a whole one or a source (`billing`).

    `first` and `last` are days in UTC, both included.
    """

    organization_id: str | None = None
    actor_kind: ActorKind | None = None
    actor_id: str | None = None
    action: str | None = None
    first: date | None = None
    last: date | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same as SQL."""
        found: list[ColumnElement[bool]] = []
        if self.organization_id is not None:
            found.append(AuditEntry.organization_id == self.organization_id)
        if self.actor_kind is not None:
            found.append(AuditEntry.actor_kind == self.actor_kind)
        if self.actor_id is not None:
            found.append(AuditEntry.actor_id == self.actor_id)
        if self.action is not None:
            is_whole = ":" in self.action
            found.append(
                AuditEntry.action == self.action
                if is_whole
                else AuditEntry.action.startswith(f"{self.action}:", autoescape=True)
            )
        if self.first is not None:
            found.append(AuditEntry.created_at >= _midnight(self.first))
        if self.last is not None:
            found.append(AuditEntry.created_at < _midnight(self.last + timedelta(days=1)))
        return found


def log_page(wanted: LogFilter, after: str | None = None) -> Page[AnyRow]:
    """One page of what is wanted, newest first. Raises `InvalidInputError` for a bad `after`."""
    statement = ENTRY_ROWS.where(*wanted.conditions())
    if cursor := decode_cursor(after, (str, int)):
        statement = statement.where(_older_than(decode_time(cursor[0]), cursor[1]))
    rows = db.session.execute(_newest_first(statement).limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.created_at.isoformat(), row.id))


def entries_page(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """One page of an organization's log, newest first. Raises `InvalidInputError` for a bad `after`."""
    return log_page(LogFilter(organization_id), after)


def entries_about(
    organization_id: str, entity_id: str, actions: Sequence[Action], limit: int
) -> Sequence[AnyRow]:
    """The newest rows of these actions about one thing of an organization, newest first."""
    wanted = [action.value for action in actions]
    statement = ENTRY_ROWS.where(
        AuditEntry.organization_id == organization_id,
        AuditEntry.entity_id == entity_id,
        AuditEntry.action.in_(wanted),
    )
    return db.session.execute(_newest_first(statement).limit(limit)).all()


def whole_rows(engine: Engine, wanted: LogFilter) -> Iterator[AnyRow]:
    """Every row of what is wanted with all its columns, newest first.

    Read in batches, no connection is held between them: a slow reader holds up nobody.
    """
    batch = _newest_first(WHOLE_ROWS.where(*wanted.conditions())).limit(EXPORT_BATCH)
    rows = _fetch(engine, batch)
    while rows:
        yield from rows
        if len(rows) < EXPORT_BATCH:
            return
        rows = _fetch(engine, batch.where(_older_than(rows[-1].created_at, rows[-1].id)))


def _fetch(engine: Engine, statement: Select[Any]) -> Sequence[AnyRow]:
    with reading_engine(engine).connect() as connection:
        return connection.execute(statement).all()


def _newest_first(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())


def _older_than(moment: datetime, row_id: int) -> ColumnElement[bool]:
    return tuple_(AuditEntry.created_at, AuditEntry.id) < (moment, row_id)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
