"""Reports of the workers: that they are there, and how their jobs went."""

import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import delete, update

from portal.config import ROOT
from portal.errors import PortalError
from portal.extensions import db, insert_into
from portal.jobs.models import JobSlot, JobState, SlotStatus, WorkerProcess
from portal.kit.work import database_now

KEEP_WORKERS = timedelta(hours=1)
KEEP_STATES = timedelta(days=30)
"""Nobody's timetable has had the job for so long: it is no job any more."""
LONGEST_ERROR = 300


@dataclass(slots=True)
class Runs:
    """Some runs of one job. The times are those of the last one, of the last good one and of the last bad one."""

    job: str
    runs: int
    failures: int
    items: int
    last_started_at: datetime
    last_finished_at: datetime
    last_milliseconds: int
    last_count: int
    last_succeeded_at: datetime | None
    last_failed_at: datetime | None
    last_error: str | None

    @classmethod
    def of_one(cls, job: str, started_at: datetime, milliseconds: int, count: int, error: str | None) -> Self:
        """A single run; it failed if there is an `error`."""
        ended = started_at + timedelta(milliseconds=milliseconds)
        good, bad = (None, ended) if error else (ended, None)
        times = started_at, ended, milliseconds, count, good, bad, error
        return cls(job, 1, 1 if error else 0, count, *times)

    def followed_by(self, later: "Runs") -> "Runs":
        """Both together."""
        return Runs(
            self.job,
            self.runs + later.runs,
            self.failures + later.failures,
            self.items + later.items,
            later.last_started_at,
            later.last_finished_at,
            later.last_milliseconds,
            later.last_count,
            later.last_succeeded_at or self.last_succeeded_at,
            later.last_failed_at or self.last_failed_at,
            later.last_error or self.last_error,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A row of a worker's timetable, for people."""

    job: str
    timetable: str
    queue: str
    next_run_at: datetime


def report(
    worker: str, started_at: datetime, stalled_job: str | None, plans: Sequence[Plan], ended: Sequence[Runs]
) -> None:
    """Note that `worker` is there, what its timetable says and what has ended; forget what is long gone. Commits."""
    now = database_now()
    _note_worker(worker, started_at, stalled_job, now)
    # In the order of their names, so that no two workers wait for each other in a ring.
    _note_plans(sorted(plans, key=lambda plan: plan.job), now)
    for runs in sorted(ended, key=lambda runs: runs.job):
        _note_runs(runs)
    _forget(now)
    db.session.commit()


def forget_worker(worker: str) -> None:
    """It has ended as it should. Part of the caller's transaction."""
    db.session.execute(delete(WorkerProcess).where(WorkerProcess.name == worker))


def error_text(error: Exception) -> str:
    """The class with a message written for people, else with the place in our code: nothing that somebody typed."""
    kind = type(error).__name__
    if isinstance(error, PortalError):
        words = (word for word in error.message.split() if "@" not in word)
        return f"{kind}: {' '.join(words)}"[:LONGEST_ERROR]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    place = f" in {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    return f"{kind}{place}"[:LONGEST_ERROR]


def _note_worker(worker: str, started_at: datetime, stalled_job: str | None, now: datetime) -> None:
    news = {"seen_at": now, "stalled_job": stalled_job}
    statement = insert_into(WorkerProcess).values(name=worker, started_at=started_at, **news)
    db.session.execute(statement.on_conflict_do_update(index_elements=[WorkerProcess.name], set_=news))


def _note_plans(plans: Sequence[Plan], now: datetime) -> None:
    none = {"runs": 0, "failures": 0, "items": 0}
    statement = insert_into(JobState).values([{**asdict(plan), **none, "seen_at": now} for plan in plans])
    news = {name: statement.excluded[name] for name in ("timetable", "queue", "next_run_at", "seen_at")}
    db.session.execute(statement.on_conflict_do_update(index_elements=[JobState.job], set_=news))


def _note_runs(runs: Runs) -> None:
    news = {name: value for name, value in asdict(runs).items() if name != "job" and value is not None}
    counts = {name: getattr(JobState, name) + news.pop(name) for name in ("runs", "failures", "items")}
    statement = update(JobState).where(JobState.job == runs.job).values(**news, **counts)
    db.session.execute(statement.execution_options(synchronize_session=False))


def _forget(now: datetime) -> None:
    """Workers that were killed, and jobs that no timetable has any more, with the slots they never ran."""
    db.session.execute(delete(WorkerProcess).where(WorkerProcess.seen_at < now - KEEP_WORKERS))
    gone = delete(JobState).where(JobState.seen_at < now - KEEP_STATES).returning(JobState.job)
    jobs = list(db.session.scalars(gone.execution_options(synchronize_session=False)))
    if jobs:
        unrun = delete(JobSlot).where(JobSlot.job.in_(jobs), JobSlot.status == SlotStatus.PENDING)
        db.session.execute(unrun.execution_options(synchronize_session=False))


def _is_ours(filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(ROOT) and ".venv" not in path.parts
