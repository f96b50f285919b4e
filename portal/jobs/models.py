"""Slots of the timetable, the state of each job, and the worker processes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, UTCDateTime


class SlotStatus(StrEnum):
    """Where a slot stands. A failed one is not tried again."""

    PENDING = "pending"
    FINISHED = "finished"
    FAILED = "failed"


class JobSlot(Base):
    """One time at which a job is to run, once over all processes. `attempts` counts the runs that were begun."""

    __tablename__ = "job_slots"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    job: Mapped[str] = mapped_column(String(40))
    slot_at: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[SlotStatus] = mapped_column(default=SlotStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    count: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(300))

    __table_args__ = (
        UniqueConstraint("job", "slot_at"),
        Index("ix_job_slots_due", "status", "next_attempt_at"),
    )


class JobState(Base):
    """How one job goes, over all workers. `planned_until` is the newest slot there is a row for; None: no slots yet.

    Counts since the job became known: runs, those of them that failed, and pieces of work done (`items`). An error
    is a class with a message written for people, or a place in the code: never what somebody typed.
    """

    __tablename__ = "job_states"

    job: Mapped[str] = mapped_column(String(40), primary_key=True)
    timetable: Mapped[str] = mapped_column(String(60), default="")
    queue: Mapped[str] = mapped_column(String(16), default="")
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    planned_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_run_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_succeeded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_failed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_milliseconds: Mapped[int | None] = mapped_column(BigInteger)
    last_count: Mapped[int | None] = mapped_column(BigInteger)
    last_error: Mapped[str | None] = mapped_column(String(300))
    runs: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(BigInteger, default=0)
    items: Mapped[int] = mapped_column(BigInteger, default=0)


class WorkerProcess(Base):
    """A worker that was heard of lately. `stalled_job` names a job in it that makes no progress."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    stalled_job: Mapped[str | None] = mapped_column(String(40))
