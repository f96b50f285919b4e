"""What this process knows of its own runs, kept in memory: nothing here waits for the database."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from jobs.rows import Row, SlotRow
from jobs.work import Work
from portal.jobs.service import Runs, error_text
from portal.kit.clock import utcnow

SCHEDULER_SECONDS = 30
"""The scheduler gives a sign every few seconds; silent for longer, it stands still."""
DATABASE_SECONDS = 20
"""The same for reports to the database."""


@dataclass(slots=True)
class Monitor:
    """The runs in hand, what has ended since the last report, and the signs of life of the process's parts."""

    worker: str
    stop: threading.Event = field(default_factory=threading.Event)
    started_at: datetime = field(default_factory=utcnow)
    ticked_at: float = field(default_factory=time.monotonic)
    reported_at: float = field(default_factory=time.monotonic)
    is_report_refused: bool = False
    allowances: dict[Work, float] = field(default_factory=dict)
    ended: dict[str, Runs] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, row: Row | SlotRow, name: str = "", slot_at: datetime | None = None) -> Work:
        """A run is in hand from now on. `name` is for its claims, the worker's own unless told."""
        work = Work(name or self.worker, self.stop, slot_at, row.name)
        with self.lock:
            self.allowances[work] = row.allowance_seconds
        return work

    def end(self, work: Work, count: int = 0, error: Exception | None = None) -> Runs:
        """It is over; `error` if it failed. What is known of it goes into the next report."""
        milliseconds = round((time.monotonic() - work.started) * 1000)
        reason = None if error is None else error_text(error)
        runs = Runs.of_one(work.job, work.started_at, milliseconds, count, reason)
        with self.lock:
            del self.allowances[work]
            self._add(runs)
        return runs

    def take_ended(self) -> list[Runs]:
        """What has ended since the last call, for a report."""
        with self.lock:
            ended, self.ended = self.ended, {}
        return list(ended.values())

    def put_back(self, runs: Iterable[Runs]) -> None:
        """The report did not arrive: it goes with the next one."""
        with self.lock:
            later, self.ended = self.ended, {}
            for one in [*runs, *later.values()]:
                self._add(one)

    def claim_names(self) -> list[str]:
        """The names under which runs in hand have claimed their slots."""
        with self.lock:
            return [work.worker for work in self.allowances if work.slot_at is not None]

    def slots_in_hand(self) -> list[Work]:
        """The runs of slots whose leases are to be prolonged: those that make progress."""
        with self.lock:
            runs = list(self.allowances.items())
        return [work for work, allowance in runs if work.slot_at is not None and work.silence() <= allowance]

    def stalled_job(self) -> str | None:
        """A job that has made no progress for longer than its allowance, the most silent first."""
        with self.lock:
            silent = [work for work, allowance in self.allowances.items() if work.silence() > allowance]
        return max(silent, key=Work.silence).job if silent else None

    def faults(self) -> list[str]:
        """Why this process is not ready, as short texts without data; empty if it is."""
        now, job = time.monotonic(), self.stalled_job()
        faults = [f"the job {job} makes no progress"] if job else []
        if now - self.ticked_at > SCHEDULER_SECONDS:
            faults.append("the scheduler stands still")
        if self.is_report_refused or now - self.reported_at > DATABASE_SECONDS:
            faults.append("the database does not answer")
        return faults

    def tick(self) -> None:
        """The scheduler's sign of life."""
        self.ticked_at = time.monotonic()

    def note_report(self, *, is_written: bool) -> None:
        """Whether the database has taken the last report."""
        self.is_report_refused = not is_written
        if is_written:
            self.reported_at = time.monotonic()

    def _add(self, runs: Runs) -> None:
        earlier = self.ended.get(runs.job)
        self.ended[runs.job] = runs if earlier is None else earlier.followed_by(runs)
