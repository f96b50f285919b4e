"""How the work goes: backlogs, jobs and workers. The staff page and `/metrics` show these same figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, func, null, or_, select

from portal.database import AnyRow
from portal.extensions import db, fetch_rows
from portal.jobs.models import JobSlot, JobState, SlotStatus, WorkerProcess
from portal.kit.clock import utcnow
from portal.kit.work import database_now
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import IS_FIRST
from portal.stripe_mirror.models import EventStatus, StripeEvent

SILENT_AFTER = timedelta(seconds=60)
"""A worker reports every few seconds; not heard of for so long, it counts as gone."""
LATE_AFTER = timedelta(minutes=5)
"""What is due for longer than this has no worker that keeps up."""
STRIPE_EVENTS = "stripe-events"
MOST_FAILED_SLOTS = 20


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue: what waits (due now, in hand, or for its next try), what was given up, and since when the oldest waits.

    `oldest_at` is when the oldest waiting item came in, `due_since` when the longest due one became due.
    """

    queue: str
    waiting: int = 0
    due: int = 0
    dead: int = 0
    oldest_at: datetime | None = None
    due_since: datetime | None = None

    def age_seconds(self, now: datetime) -> float:
        """How long the oldest item waits; 0 where none does."""
        return max(0.0, (now - self.oldest_at).total_seconds()) if self.oldest_at else 0.0


@dataclass(frozen=True, slots=True)
class JobFigures:
    """A job's state and the backlog that it works off: its queue, or its own slots. None: it has none of either."""

    state: JobState
    backlog: Backlog | None

    @property
    def is_failing(self) -> bool:
        """Whether it failed after it last went well."""
        good, bad = self.state.last_succeeded_at, self.state.last_failed_at
        return bad is not None and (good is None or bad > good)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything about the work at one moment, each list in the order of its names."""

    now: datetime
    jobs: list[JobFigures]
    backlogs: list[Backlog]
    slots: list[Backlog]
    workers: list[WorkerProcess]
    failed_slots: list[AnyRow]

    def is_alive(self, worker: WorkerProcess) -> bool:
        """Whether it was heard of lately."""
        return self.now - worker.seen_at <= SILENT_AFTER

    @property
    def workers_alive(self) -> int:
        """How many were heard of lately."""
        return sum(self.is_alive(worker) for worker in self.workers)

    @property
    def workers_stalled(self) -> int:
        """How many of those have a job that makes no progress."""
        return sum(self.is_alive(worker) and worker.stalled_job is not None for worker in self.workers)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What staff are to know. `silent_since` None with `is_silent`: no worker was ever heard of."""

    is_silent: bool = False
    silent_since: datetime | None = None
    stalled_job: str | None = None
    late_since: datetime | None = None

    def __bool__(self) -> bool:
        return self.is_silent or self.stalled_job is not None or self.late_since is not None


def overview() -> Overview:
    """All figures of the jobs, the queues and the workers."""
    now = database_now()
    queues = {backlog.queue: backlog for backlog in backlogs(now)}
    slots = {backlog.queue: backlog for backlog in slot_backlogs(now)}
    states = db.session.scalars(select(JobState).order_by(JobState.job))
    jobs = [JobFigures(state, queues.get(state.queue) or slots.get(state.job)) for state in states]
    workers = db.session.scalars(select(WorkerProcess).order_by(WorkerProcess.started_at, WorkerProcess.name))
    return Overview(now, jobs, list(queues.values()), list(slots.values()), list(workers), failed_slots())


def backlogs(now: datetime) -> list[Backlog]:
    """One for each channel of the outbox and one for Stripe's events, in this order, the empty ones too."""
    outbox = _backlogs(OutboxMessage, OutboxMessage.channel, OutboxMessage.created_at, OutboxStatus.DEAD, now)
    events = _backlogs(StripeEvent, None, StripeEvent.received_at, EventStatus.DEAD, now)
    found = {row.queue: row for row in (*outbox, *events)}
    names = (*(channel.value for channel in Channel), STRIPE_EVENTS)
    return [found.get(name, Backlog(name)) for name in names]


def slot_backlogs(now: datetime) -> list[Backlog]:
    """One for each job that has slots to run or slots that failed, by the job's name."""
    return _backlogs(JobSlot, JobSlot.job, JobSlot.slot_at, SlotStatus.FAILED, now)


def failed_slots() -> list[AnyRow]:
    """The newest slots that were given up."""
    columns = (JobSlot.job, JobSlot.slot_at, JobSlot.attempts, JobSlot.finished_at, JobSlot.error)
    failed = select(*columns).where(JobSlot.status == SlotStatus.FAILED)
    ordered = failed.order_by(JobSlot.finished_at.desc(), JobSlot.job).limit(MOST_FAILED_SLOTS)
    return list(db.session.execute(ordered).all())


def trouble() -> Trouble:
    """What staff are to know on every page of theirs; one query on indexes."""
    statement = POSTGRES_SIGNS if db.engine.dialect.name == "postgresql" else SIGNS
    row = fetch_rows(statement, {})[0]
    now = row.now or utcnow()
    late = min((moment for moment in (row.outbox_due, row.events_due) if moment), default=None)
    return Trouble(
        is_silent=row.seen_at is None or now - row.seen_at > SILENT_AFTER,
        silent_since=row.seen_at,
        stalled_job=row.stalled_job if row.stalled_at and now - row.stalled_at <= SILENT_AFTER else None,
        late_since=late if late and now - late > LATE_AFTER else None,
    )


def _signs(clock: ColumnElement[Any]) -> Select[Any]:
    stalled = WorkerProcess.stalled_job.is_not(None)
    newest = WorkerProcess.seen_at.desc(), WorkerProcess.name
    return select(
        clock.label("now"),
        select(func.max(WorkerProcess.seen_at)).scalar_subquery().label("seen_at"),
        select(WorkerProcess.seen_at)
        .where(stalled)
        .order_by(*newest)
        .limit(1)
        .scalar_subquery()
        .label("stalled_at"),
        select(WorkerProcess.stalled_job)
        .where(stalled)
        .order_by(*newest)
        .limit(1)
        .scalar_subquery()
        .label("stalled_job"),
        # What waits behind a recipient's earlier message, which has its next try ahead, is not late.
        _first_due(OutboxMessage, OutboxStatus.PENDING, IS_FIRST).label("outbox_due"),
        _first_due(StripeEvent, EventStatus.PENDING).label("events_due"),
    )


def _first_due(model: Any, pending: StrEnum, *only: ColumnElement[bool]) -> ScalarSelect[datetime]:
    waiting = select(model.next_attempt_at).where(model.status == pending, *only)
    return waiting.order_by(model.next_attempt_at).limit(1).scalar_subquery()


def _backlogs(model: Any, queue: Any, came_in_at: Any, dead: StrEnum, now: datetime) -> list[Backlog]:
    """By `queue`, a column; the whole table where that is None."""
    waits, is_dead = model.status == "pending", model.status == dead
    is_due = and_(waits, model.next_attempt_at <= now)
    figures: list[Any] = [func.count(case((condition, 1))) for condition in (waits, is_due, is_dead)]
    figures += [func.min(case((waits, came_in_at))), func.min(case((is_due, model.next_attempt_at)))]
    if queue is None:
        rows = db.session.execute(select(*figures).where(or_(waits, is_dead))).all()
        return [Backlog(STRIPE_EVENTS, *row) for row in rows]
    statement = select(queue, *figures).where(or_(waits, is_dead)).group_by(queue).order_by(queue)
    return [Backlog(str(row[0]), *row[1:]) for row in db.session.execute(statement)]


SIGNS = _signs(null())
POSTGRES_SIGNS = _signs(func.clock_timestamp())
