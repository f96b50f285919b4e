"""Slots of the timetable: each runs once, whatever the schedulers do, and none is missed.

A slot is a row. Rows are planned from the newest one on up to the database's present time, under the lock of the job's
state; they are claimed like every shared piece of work, oldest first, and one at a time for each job.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import aliased

from portal.extensions import db, insert_into
from portal.jobs.models import JobSlot, JobState, SlotStatus
from portal.kit.work import LEASE, RETRY_SCHEDULE, claim_due, database_now, lock_claimed

MOST_PLANNED = 500
"""Rows of one planning; what a longer absence has left follows with the next."""
MOST_RUNS = len(RETRY_SCHEDULE.waits) + 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """When slots are: each `every`, counted from midnight UTC of 1970-01-01 plus `offset`."""

    every: timedelta
    offset: timedelta = timedelta(0)

    def latest(self, moment: datetime) -> datetime:
        """The newest slot that is not after `moment`."""
        return moment - (moment - EPOCH - self.offset) % self.every

    def following(self, moment: datetime) -> datetime:
        """The first slot after `moment`."""
        return self.latest(moment) + self.every


def claim_slot(job: str, period: Period, name: str) -> JobSlot | None:
    """Plan what has become due and claim the job's oldest due slot under `name`; commits.

    None if nothing is due, or while another slot of the job is in somebody's hand. A slot that was begun as often as
    the schedule allows, and whose runs all ended without a word, is given up.
    """
    state = lock_state(job)
    now = database_now()
    _plan(state, period, now)
    other = aliased(JobSlot)
    is_running = exists().where(
        other.job == job, other.status == SlotStatus.PENDING, other.claimed_until >= now
    )
    claimed = claim_due(JobSlot, SlotStatus.PENDING, name, 1, JobSlot.job == job, ~is_running)
    slot = claimed[0] if claimed else None
    if slot is not None and slot.attempts >= MOST_RUNS:
        _close(slot, SlotStatus.FAILED, slot.error or f"ended {slot.attempts} times without a word")
        slot = None
    elif slot is not None:
        slot.attempts += 1
        slot.started_at = now
    db.session.commit()
    return slot


def finish_slot(slot_id: str, name: str, count: int) -> bool:
    """Commit the job's own changes together with the mark that the slot is done.

    False if `name` has lost the slot meanwhile: then nothing is written, whoever holds it now does the work.
    """
    slot = lock_claimed(JobSlot, slot_id, SlotStatus.PENDING, name)
    if slot is None:
        db.session.rollback()
        return False
    slot.count = count
    _close(slot, SlotStatus.FINISHED, None)
    db.session.commit()
    return True


def fail_slot(slot_id: str, name: str, error: str) -> None:
    """Plan the next try, or leave the slot as failed; drops the job's changes and commits."""
    db.session.rollback()
    slot = lock_claimed(JobSlot, slot_id, SlotStatus.PENDING, name)
    if slot is not None:
        next_attempt_at = RETRY_SCHEDULE.next_attempt(slot.attempts, database_now())
        if next_attempt_at is None:
            _close(slot, SlotStatus.FAILED, error)
        else:
            slot.next_attempt_at = next_attempt_at
            slot.error = error
            slot.claimed_by = slot.claimed_until = None
    db.session.commit()


def hand_back_slot(slot_id: str, name: str) -> None:
    """For somebody else, at once, and as if it had not been begun; drops the job's changes and commits."""
    db.session.rollback()
    slot = lock_claimed(JobSlot, slot_id, SlotStatus.PENDING, name)
    if slot is not None:
        slot.attempts -= 1
        slot.claimed_by = slot.claimed_until = None
    db.session.commit()


def renew_slots(names: list[str]) -> set[str]:
    """Prolong the leases of those `names` that still hold one, which are returned; commits."""
    statement = (
        update(JobSlot)
        .where(JobSlot.claimed_by.in_(names), JobSlot.status == SlotStatus.PENDING)
        .values(claimed_until=database_now() + LEASE)
        .returning(JobSlot.claimed_by)
        .execution_options(synchronize_session=False)
    )
    held = {str(name) for name in db.session.scalars(statement)}
    db.session.commit()
    return held


def lock_state(job: str) -> JobState:
    """The job's state, made if it is new, locked until the commit."""
    query = select(JobState).where(JobState.job == job).with_for_update()
    state = db.session.scalar(query.execution_options(populate_existing=True))
    if state is None:
        values = {"job": job, "seen_at": database_now(), "runs": 0, "failures": 0, "items": 0}
        statement = insert_into(JobState).values(**values, timetable="", queue="")
        db.session.execute(statement.on_conflict_do_nothing(index_elements=[JobState.job]))
        state = db.session.scalars(query).one()
    return state


def delete_old_slots(before: datetime) -> int:
    """Forget slots that were done or given up before `before`; returns how many. Part of the caller's transaction."""
    old = delete(JobSlot).where(JobSlot.status != SlotStatus.PENDING, JobSlot.finished_at < before)
    return len(db.session.scalars(old.returning(JobSlot.id)).all())


def _plan(state: JobState, period: Period, now: datetime) -> None:
    """Rows for the slots since the newest known one. A job that is new starts with the next slot."""
    latest = period.latest(now)
    if state.planned_until is None:
        state.planned_until = latest
    slots: list[datetime] = []
    following = period.following(state.planned_until)
    while following <= latest and len(slots) < MOST_PLANNED:
        slots.append(following)
        following += period.every
    if slots:
        rows = [_new_slot(state.job, slot_at) for slot_at in slots]
        db.session.execute(insert_into(JobSlot).values(rows).on_conflict_do_nothing())
        state.planned_until = slots[-1]


def _new_slot(job: str, slot_at: datetime) -> dict[str, object]:
    return {
        "id": f"{job}@{slot_at.isoformat()}",
        "job": job,
        "slot_at": slot_at,
        "status": SlotStatus.PENDING,
        "attempts": 0,
        "next_attempt_at": slot_at,
    }


def _close(slot: JobSlot, status: SlotStatus, error: str | None) -> None:
    slot.status = status
    slot.finished_at = database_now()
    slot.error = error
    slot.next_attempt_at = slot.claimed_by = slot.claimed_until = None
