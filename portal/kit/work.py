"""Work that several processes share: claimed in the database by a conditional update with an expiring lease."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, or_, select, update

from portal.database import AnyRow
from portal.extensions import db
from portal.kit.clock import utcnow

Row = TypeVar("Row")
LEASE = timedelta(seconds=45)
"""A killed worker's claims are free again after this; every single piece of work must end well before it."""
RENEW_AFTER = LEASE / 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds to wait after the first, second, ... failure, with up to a tenth of jitter added."""

    waits: Sequence[int]

    def next_attempt(self, failures: int, now: datetime) -> datetime | None:
        """When to try again after `failures` failures, or None when the schedule is used up."""
        if failures > len(self.waits):
            return None
        wait = self.waits[failures - 1]
        return now + timedelta(seconds=wait * (1 + random.random() / 10))  # noqa: S311  # nosec B311


RETRY_SCHEDULE = Schedule((5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
"""After 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h: more than a day, so that an outage on one side loses nothing."""


def database_now() -> datetime:
    """The one clock that every worker shares. An embedded database has that of its machine."""
    if db.engine.dialect.name == "sqlite":
        return utcnow()
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    return now.astimezone(UTC)


def unclaimed(table: Any, now: datetime) -> ColumnElement[bool]:
    """Whether a row is in nobody's hand, or in that of somebody who has let the lease run out."""
    return or_(table.claimed_until.is_(None), table.claimed_until < now)


def claim_due(
    table: type[Row], pending: object, worker: str, limit: int, *only: ColumnElement[bool]
) -> list[Row]:
    """Claim up to `limit` due rows, oldest due first, and commit. Rows claimed elsewhere are left alone."""
    model: Any = table
    ids = claim_ids(table, pending, worker, limit, *only)
    mine = select(model).where(model.id.in_(ids)).order_by(model.next_attempt_at, model.id)
    return list(db.session.scalars(mine))


def claim_ids(
    table: type[Any],
    pending: object,
    worker: str,
    limit: int,
    *only: ColumnElement[bool],
    now: datetime | None = None,
) -> list[Any]:
    """`claim_due`, but only the ids, in no order. `now` is what `database_now` has just said, if it was asked.

    The update repeats that the claim is free, so of two workers that saw the same row one gets it; on Postgres
    SKIP LOCKED saves the loser the wait. Repeating more would have SQLite go through everything that is due.
    """
    now = now or database_now()
    is_free = unclaimed(table, now)
    is_due = (*only, table.status == pending, table.next_attempt_at <= now, is_free)
    oldest = select(table.id).where(*is_due).order_by(table.next_attempt_at, table.id).limit(limit)
    due = oldest.with_for_update(skip_locked=True).cte("due")
    claim = (
        update(table)
        .where(table.id.in_(select(due.c.id)), is_free)
        .values(claimed_by=worker, claimed_until=now + LEASE)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(db.session.scalars(claim))
    db.session.commit()
    return ids


def oldest_due(table: type[Any], pending: object, now: datetime, *columns: Any) -> AnyRow | None:
    """These columns of the row that waits longest in nobody's hand; whoever claims it first has it.

    `now` is what `database_now` has just said.
    """
    is_due = table.status == pending, table.next_attempt_at <= now, unclaimed(table, now)
    statement = select(*columns).where(*is_due)
    return db.session.execute(statement.order_by(table.next_attempt_at, table.id).limit(1)).one_or_none()


def lock_claimed(table: type[Row], row_id: object, pending: object, worker: str) -> Row | None:
    """The row, locked, if `worker` still holds it and it is still to do; None if the lease was lost."""
    model: Any = table
    statement = (
        select(model)
        .where(model.id == row_id, model.status == pending, model.claimed_by == worker)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row: Row | None = db.session.scalar(statement)
    return row


class Claim:
    """Rows that `worker` has claimed and holds on to while it asks somebody who may be slow.

    `sign` is called each time, so that the worker is not taken for one that stands still.
    """

    def __init__(
        self, table: type[Any], row_ids: Sequence[object], worker: str, sign: Callable[[], object]
    ) -> None:
        self._table, self._row_ids, self._worker, self._sign = table, row_ids, worker, sign
        self._renewed = time.monotonic()

    def keep(self) -> None:
        """Between two questions, outside any transaction: prolong the lease once a good part of it is over; commits."""
        self._sign()
        if time.monotonic() - self._renewed < RENEW_AFTER.total_seconds():
            return
        table: Any = self._table
        mine = update(table).where(table.id.in_(self._row_ids), table.claimed_by == self._worker)
        longer = mine.values(claimed_until=database_now() + LEASE)
        db.session.execute(longer.execution_options(synchronize_session=False))
        db.session.commit()
        self._renewed = time.monotonic()


def release_claims(table: type[Any], worker: str) -> None:
    """Hand back what `worker` had claimed and not done (part of the caller's transaction)."""
    db.session.execute(
        update(table).where(table.claimed_by == worker).values(claimed_by=None, claimed_until=None)
    )
