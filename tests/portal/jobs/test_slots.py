"""Slots in the database: planned from the last known one, claimed one at a time, finished by whoever holds them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from portal.extensions import db
from portal.identity.models import AttemptCounter
from portal.jobs.models import JobSlot, JobState, SlotStatus
from portal.jobs.slots import (
    MOST_PLANNED,
    MOST_RUNS,
    Period,
    claim_slot,
    delete_old_slots,
    fail_slot,
    finish_slot,
    hand_back_slot,
    lock_state,
    renew_slots,
)
from portal.kit.clock import utcnow
from tests.factories import World

HOUR = timedelta(hours=1)
HOURLY = Period(HOUR, timedelta(minutes=17))


def known_until(moment: datetime) -> None:
    """As if workers had planned slots up to then."""
    lock_state("job").planned_until = moment
    db.session.commit()


def missed(hours: int) -> list[datetime]:
    """Make so many slots due; their times."""
    latest = HOURLY.latest(utcnow())
    known_until(latest - hours * HOUR)
    return [latest - number * HOUR for number in reversed(range(hours))]


def claim(name: str = "one") -> str | None:
    slot = claim_slot("job", HOURLY, name)
    return slot and slot.id


def slot(slot_id: str) -> JobSlot:
    db.session.expire_all()
    return db.session.get_one(JobSlot, slot_id)


def expire_claims() -> None:
    db.session.execute(update(JobSlot).values(claimed_until=utcnow() - timedelta(seconds=1)))
    db.session.commit()


def make_due() -> None:
    db.session.execute(update(JobSlot).values(next_attempt_at=utcnow()))
    db.session.commit()


@pytest.mark.parametrize(
    ("period", "moment", "latest"),
    [
        (HOURLY, datetime(2026, 11, 23, 9, 17, tzinfo=UTC), datetime(2026, 11, 23, 9, 17, tzinfo=UTC)),
        (HOURLY, datetime(2026, 11, 23, 9, 16, 59, tzinfo=UTC), datetime(2026, 11, 23, 8, 17, tzinfo=UTC)),
        (
            Period(24 * HOUR, timedelta(hours=6, minutes=30)),
            datetime(2026, 3, 1, 5, tzinfo=UTC),
            datetime(2026, 2, 28, 6, 30, tzinfo=UTC),
        ),
    ],
)
def test_slots_are_at_fixed_times_in_utc(period: Period, moment: datetime, latest: datetime) -> None:
    assert period.latest(moment) == latest
    assert period.following(moment) == latest + period.every


def test_a_new_job_starts_with_its_next_slot(world: World) -> None:
    assert claim() is None
    assert db.session.get_one(JobState, "job").planned_until == HOURLY.latest(utcnow())


def test_missed_slots_are_made_up_oldest_first_and_one_at_a_time(world: World) -> None:
    done = []
    for slot_at in missed(3):
        slot_id = claim("one")
        assert slot_id is not None
        assert claim("two") is None, "another slot of the job is in hand"
        assert finish_slot(slot_id, "one", 5)
        done.append((slot(slot_id).slot_at, slot(slot_id).count, slot_at))
    assert [(made, count) for made, count, _ in done] == [(wanted, 5) for *_, wanted in done]
    assert claim() is None


def test_a_long_absence_is_planned_in_portions(world: World) -> None:
    missed(MOST_PLANNED + 3)
    claim()
    counted = db.select(db.func.count()).select_from(JobSlot)
    assert db.session.scalar(counted) == MOST_PLANNED
    claim()
    assert db.session.scalar(counted) == MOST_PLANNED + 3


def test_slots_of_different_jobs_run_beside_each_other(world: World) -> None:
    missed(1)
    assert claim()
    lock_state("other").planned_until = HOURLY.latest(utcnow()) - HOUR
    db.session.commit()
    assert claim_slot("other", HOURLY, "one") is not None


def test_changes_are_written_with_the_end_of_the_slot_or_not_at_all(world: World) -> None:
    missed(1)
    slot_id = str(claim("one"))
    expire_claims()
    assert claim("two") == slot_id
    db.session.add(AttemptCounter(key="late", count=1, window_ends_at=utcnow()))
    assert not finish_slot(slot_id, "one", 1)
    assert db.session.get(AttemptCounter, "late") is None
    db.session.add(AttemptCounter(key="in time", count=1, window_ends_at=utcnow()))
    assert finish_slot(slot_id, "two", 1)
    assert db.session.get(AttemptCounter, "in time") is not None
    assert slot(slot_id).attempts == 2


def test_a_failing_slot_is_tried_again_and_in_the_end_left_as_failed(world: World) -> None:
    missed(1)
    for number in range(1, MOST_RUNS + 1):
        slot_id = str(claim())
        db.session.add(AttemptCounter(key="half done", count=1, window_ends_at=utcnow()))
        fail_slot(slot_id, "one", "KeyError in portal/x.py:1")
        assert db.session.get(AttemptCounter, "half done") is None
        assert (slot(slot_id).attempts, slot(slot_id).error) == (number, "KeyError in portal/x.py:1")
        assert claim() is None
        if number < MOST_RUNS:
            make_due()
    found = slot(slot_id)
    assert (found.status, found.next_attempt_at, found.claimed_by) == (SlotStatus.FAILED, None, None)


def test_a_failing_slot_does_not_hold_up_the_next(world: World) -> None:
    first, second = missed(2)
    fail_slot(str(claim()), "one", "error")
    assert slot(str(claim())).slot_at == second > first


def test_a_slot_that_kills_its_workers_is_given_up(world: World) -> None:
    missed(1)
    for _ in range(MOST_RUNS):
        slot_id = str(claim())
        expire_claims()
    assert claim() is None
    assert slot(slot_id).status is SlotStatus.FAILED
    assert str(slot(slot_id).error).startswith(f"ended {MOST_RUNS} times")


def test_a_slot_that_was_handed_back_is_as_if_untouched(world: World) -> None:
    missed(1)
    slot_id = str(claim("one"))
    hand_back_slot(slot_id, "one")
    assert (slot(slot_id).attempts, slot(slot_id).claimed_by) == (0, None)
    assert claim("two") == slot_id
    hand_back_slot(slot_id, "one")
    fail_slot(slot_id, "one", "late")
    assert (slot(slot_id).attempts, slot(slot_id).claimed_by, slot(slot_id).error) == (1, "two", None)


def test_a_lease_is_prolonged_only_for_whoever_holds_it(world: World) -> None:
    missed(1)
    slot_id = str(claim("one"))
    expire_claims()
    assert renew_slots(["one", "two"]) == {"one"}
    assert claim("two") is None
    expire_claims()
    assert claim("two") == slot_id
    assert renew_slots(["one"]) == set()


def test_old_slots_are_forgotten_but_none_that_waits(world: World) -> None:
    missed(2)
    assert finish_slot(str(claim()), "one", 0)
    assert delete_old_slots(utcnow() - HOUR) == 0
    assert delete_old_slots(utcnow() + HOUR) == 1
    assert claim() is not None
