"""Backlogs, and what staff are told when the work does not get done."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from portal.extensions import db
from portal.jobs.models import JobSlot, WorkerProcess
from portal.jobs.queries import Backlog, Trouble, backlogs, overview, trouble
from portal.jobs.service import Plan, forget_worker, report
from portal.jobs.slots import Period, claim_slot, fail_slot, lock_state
from portal.kit.clock import utcnow
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import claim_messages, put_mail, put_stripe
from portal.stripe_mirror.models import EventStatus, StripeEvent
from tests.factories import World

Receive = Callable[..., None]
MINUTES = timedelta(minutes=1)


def put(count: int, channel: Channel = Channel.MAIL) -> None:
    for number in range(count):
        if channel is Channel.MAIL:
            put_mail("member-removed", f"{number}@acme.example", {}, None)
        else:
            put_stripe("customer-details", "cus_acme", None)
    db.session.commit()


def change(model: type[OutboxMessage] | type[StripeEvent], row_id: object, **values: object) -> None:
    db.session.execute(update(model).where(model.id == row_id).values(**values))
    db.session.commit()


def hear_of(name: str = "worker", stalled_job: str | None = None, ago: timedelta = timedelta(0)) -> None:
    report(name, utcnow(), stalled_job, [Plan("deliver_mails", "every second", "mail", utcnow())], [])
    db.session.execute(update(WorkerProcess).where(WorkerProcess.name == name).values(seen_at=utcnow() - ago))
    db.session.commit()


def backlog(queue: str) -> Backlog:
    return next(found for found in backlogs(utcnow()) if found.queue == queue)


def test_every_queue_is_named_the_empty_ones_too(world: World) -> None:
    names = [*(channel.value for channel in Channel), "stripe-events"]
    assert backlogs(utcnow()) == [Backlog(name) for name in names]


def test_a_backlog_tells_what_waits_what_is_due_and_what_was_given_up(world: World) -> None:
    put(5)
    first, second, third, fourth, _ = db.session.scalars(
        db.select(OutboxMessage.id).order_by(OutboxMessage.id)
    ).all()
    long_ago = utcnow() - 90 * MINUTES
    change(OutboxMessage, first, created_at=long_ago, next_attempt_at=utcnow() + 60 * MINUTES)
    change(OutboxMessage, second, next_attempt_at=utcnow() - 7 * MINUTES)
    change(OutboxMessage, third, status=OutboxStatus.DEAD, created_at=long_ago - MINUTES)
    change(OutboxMessage, fourth, status=OutboxStatus.DELIVERED, created_at=long_ago - MINUTES)
    claim_messages("worker", Channel.MAIL, 1)
    found = backlog("mail")
    assert (found.waiting, found.due, found.dead) == (3, 2, 1), "what is in hand waits too"
    assert found.oldest_at == long_ago
    assert found.age_seconds(long_ago + MINUTES) == 60
    assert backlog("stripe") == Backlog("stripe")


def test_stripe_events_are_a_queue(world: World) -> None:
    now = utcnow()
    for number, status in enumerate((EventStatus.PENDING, EventStatus.DEAD, EventStatus.IGNORED)):
        event = {"id": f"evt_{number}", "type": "customer.updated", "livemode": False, "payload": "{}"}
        db.session.add(StripeEvent(**event, status=status, created_at=now, received_at=now))
    db.session.commit()
    found = backlog("stripe-events")
    assert (found.waiting, found.due, found.dead, found.oldest_at) == (1, 1, 1, now)


def test_a_job_is_shown_with_its_queue_and_a_slot_job_with_its_slots(world: World) -> None:
    put(2)
    hear_of()
    period = Period(timedelta(hours=1))
    lock_state("nightly").planned_until = period.latest(utcnow()) - timedelta(hours=2)
    db.session.commit()
    slot = claim_slot("nightly", period, "worker")
    assert slot is not None
    fail_slot(slot.id, "worker", "KeyError in portal/x.py:1")
    jobs = {job.state.job: job.backlog for job in overview().jobs}
    assert jobs["deliver_mails"] == backlog("mail")
    nightly = jobs["nightly"]
    assert nightly is not None
    assert (nightly.waiting, nightly.due, nightly.oldest_at) == (2, 1, slot.slot_at)
    db.session.execute(update(JobSlot).values(status="failed", finished_at=utcnow()))
    db.session.commit()
    assert [failed.error for failed in overview().failed_slots].count("KeyError in portal/x.py:1") == 1


def test_no_trouble_while_a_worker_is_there(world: World) -> None:
    hear_of()
    put(1)
    assert not trouble()


def test_trouble_when_no_worker_was_ever_heard_of(world: World) -> None:
    assert trouble() == Trouble(is_silent=True)
    assert trouble()


@pytest.mark.parametrize(("seconds", "is_silent"), [(50, False), (70, True)])
def test_trouble_when_the_last_worker_is_silent(world: World, seconds: int, is_silent: bool) -> None:
    hear_of("dead", ago=90 * timedelta(seconds=1))
    hear_of("last", ago=timedelta(seconds=seconds))
    found = trouble()
    assert found.is_silent is is_silent
    assert isinstance(found.silent_since, datetime)
    assert overview().workers_alive == (0 if is_silent else 1)


def test_trouble_when_one_of_two_workers_is_stalled(world: World) -> None:
    hear_of("good")
    hear_of("bad", stalled_job="deliver_mails")
    assert trouble() == Trouble(stalled_job="deliver_mails", silent_since=trouble().silent_since)
    assert overview().workers_stalled == 1
    hear_of("bad", stalled_job="deliver_mails", ago=2 * MINUTES)
    assert not trouble(), "it is gone, and another one works"


@pytest.mark.parametrize(("minutes", "is_late"), [(4, False), (6, True)])
@pytest.mark.parametrize("kind", ["mail", "event"])
def test_trouble_when_something_is_due_for_long(world: World, kind: str, minutes: int, is_late: bool) -> None:
    hear_of()
    since = utcnow() - minutes * MINUTES
    if kind == "mail":
        put(2)
        first = db.session.scalars(db.select(OutboxMessage.id)).first()
        change(OutboxMessage, first, next_attempt_at=since)
    else:
        event = {"id": "evt_1", "type": "customer.updated", "livemode": False, "payload": "{}"}
        db.session.add(StripeEvent(**event, created_at=since, next_attempt_at=since))
        db.session.commit()
    assert trouble().late_since == (since if is_late else None)


def test_what_waits_behind_the_next_try_of_another_is_no_trouble(world: World) -> None:
    hear_of()
    for _ in range(2):
        put_mail("invitation", "full@acme.example", {}, None)
    db.session.commit()
    refused, behind = db.session.scalars(db.select(OutboxMessage.id).order_by(OutboxMessage.id)).all()
    change(OutboxMessage, behind, next_attempt_at=utcnow() - 60 * MINUTES)
    change(OutboxMessage, refused, next_attempt_at=utcnow() + 60 * MINUTES)
    assert not trouble()


def test_what_waits_for_its_next_try_is_no_trouble(world: World) -> None:
    hear_of()
    put(1)
    (row,) = db.session.scalars(db.select(OutboxMessage.id)).all()
    change(OutboxMessage, row, created_at=utcnow() - 600 * MINUTES, next_attempt_at=utcnow() + MINUTES)
    assert not trouble()


def test_workers_that_were_killed_are_forgotten_and_those_that_ended_at_once(world: World) -> None:
    hear_of("killed", ago=61 * MINUTES)
    hear_of("lately", ago=59 * MINUTES)
    hear_of("here")
    assert [worker.name for worker in overview().workers] == ["lately", "here"]
    forget_worker("here")
    assert [worker.name for worker in overview().workers] == ["lately"]


def test_a_job_that_no_timetable_has_any_more_is_forgotten_with_its_slots(world: World) -> None:
    period = Period(timedelta(hours=1))
    state = lock_state("gone")
    state.planned_until = period.latest(utcnow()) - timedelta(hours=1)
    state.seen_at = utcnow() - timedelta(days=31)
    db.session.commit()
    assert claim_slot("gone", period, "worker")
    hear_of()
    assert [job.state.job for job in overview().jobs] == ["deliver_mails"]
    assert db.session.scalars(db.select(JobSlot)).all() == []
