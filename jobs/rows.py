"""The two kinds of rows in the timetable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.work import Work
from portal.jobs.slots import Period

ALLOWANCE_SECONDS = 60
"""A job without a sign of progress for so long counts as stalled; a piece of work must end within its lease of 45 s."""
LOOK_SECONDS = 5
"""How often each worker looks for due slots. With the lease it bounds how long a killed worker's slot lies still."""


@dataclass(frozen=True, slots=True)
class Row:
    """A job that every worker starts each `every_seconds`. A run that takes longer delays the next.

    `queue` names the backlog that it works off, as `portal.jobs.queries` calls it.
    """

    job: Callable[[Work], int]
    every_seconds: float
    queue: str = ""
    allowance_seconds: float = ALLOWANCE_SECONDS

    @property
    def name(self) -> str:
        """The job's name, the same in code, tables and metrics."""
        return self.job.__name__

    @property
    def words(self) -> str:
        """The timetable for people."""
        return "every second" if self.every_seconds == 1 else f"every {self.every_seconds:g} seconds"

    @property
    def starts_each_seconds(self) -> float:
        """How long the scheduler waits between two starts."""
        return self.every_seconds

    def next_run_at(self, now: datetime) -> datetime:
        """When it starts again at the latest, unless a run takes longer."""
        return now + timedelta(seconds=self.every_seconds)


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A job with slots, each of which runs once over all workers. Made by `hourly` and `daily`."""

    job: Callable[[Work], int]
    period: Period
    words: str
    queue: str = ""
    allowance_seconds: float = ALLOWANCE_SECONDS
    starts_each_seconds: float = LOOK_SECONDS

    @property
    def name(self) -> str:
        """The job's name, the same in code, tables and metrics."""
        return self.job.__name__

    def next_run_at(self, now: datetime) -> datetime:
        """The next slot."""
        return self.period.following(now)


def hourly(
    job: Callable[[Work], int],
    *,
    minute: int = 0,
    queue: str = "",
    allowance_seconds: float = ALLOWANCE_SECONDS,
) -> SlotRow:
    """A slot each hour at that minute."""
    period = Period(timedelta(hours=1), timedelta(minutes=minute))
    return SlotRow(job, period, f"hourly at minute {minute}", queue, allowance_seconds)


def daily(
    job: Callable[[Work], int],
    *,
    hour: int,
    minute: int = 0,
    queue: str = "",
    allowance_seconds: float = ALLOWANCE_SECONDS,
) -> SlotRow:
    """A slot each day at that time, in UTC."""
    period = Period(timedelta(days=1), timedelta(hours=hour, minutes=minute))
    return SlotRow(job, period, f"daily at {hour:02}:{minute:02} UTC", queue, allowance_seconds)
