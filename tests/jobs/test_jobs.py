"""The worker goes on whatever a piece of work does, and gives back what it had not begun."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from jobs import runner
from jobs.deliver_mails import deliver_mails
from jobs.monitor import Monitor
from jobs.push_to_stripe import push_to_stripe
from jobs.retry_stripe_events import retry_stripe_events
from jobs.rows import Row
from jobs.runner import add_job, drain, hand_back, run_job
from jobs.schedule import TIMETABLE
from jobs.tidy_up import tidy_up
from jobs.work import Work
from portal.extensions import db
from portal.gateways.stripe_objects import CustomerSnapshot
from portal.identity.models import AttemptCounter, Organization, UserSession
from portal.identity.throttle import Limit, count_attempt
from portal.kit.clock import utcnow
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import claim_messages, put_mail, put_stripe
from portal.stripe_mirror.models import EventStatus, StripeEvent
from tests.factories import World
from tests.fakes import FakeMailer, FakeStripe
from tests.portal.notifications.test_outbox import REMOVED

Receive = Callable[..., None]


def put(count: int) -> None:
    for number in range(count):
        put_mail("member-removed", f"{number}@acme.example", REMOVED, None)
    db.session.commit()


def test_job_module_function_and_id_carry_one_name() -> None:
    assert all(row.job.__module__ == f"jobs.{row.job.__name__}" for row in TIMETABLE)
    assert len({row.job.__name__ for row in TIMETABLE}) == len(TIMETABLE)
    assert all(row.starts_each_seconds >= 1 for row in TIMETABLE)


def test_every_table_with_claims_is_drained() -> None:
    from portal.database import Base

    with_claims = {mapper.class_ for mapper in Base.registry.mappers if "claimed_by" in mapper.columns}
    assert set(runner.CLAIMED_TABLES) == with_claims


def test_a_failing_job_is_logged_and_leaves_no_change(
    app: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_work: Work) -> int:
        put_mail("member-removed", "x@acme.example", REMOVED, None)
        raise RuntimeError("what a person typed")

    run_job(app, Row(fail, 1), Monitor("worker"))
    assert db.session.scalars(db.select(OutboxMessage)).all() == []
    assert "job failed" in [record.getMessage() for record in caplog.records]


def test_a_failed_job_is_over_although_nothing_can_be_rolled_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_work: Work) -> int:
        raise RuntimeError

    def lose_connection() -> None:
        raise OperationalError("ROLLBACK", None, Exception())

    monitor = Monitor("worker")
    monkeypatch.setattr(db.session, "rollback", lose_connection)
    with pytest.raises(OperationalError):
        run_job(app, Row(fail, 1), monitor)
    assert monitor.allowances == {}, "else the worker counts as stalled for ever"
    assert [runs.failures for runs in monitor.take_ended()] == [1]


def test_a_job_that_failed_runs_again(app: Flask, world: World) -> None:
    runs = threading.Semaphore(0)

    def fail(_work: Work) -> int:
        runs.release()
        raise RuntimeError

    scheduler = BackgroundScheduler(timezone="UTC")
    add_job(scheduler, app, Row(fail, 1), Monitor("worker"))
    scheduler.start()
    try:
        assert runs.acquire(timeout=10)
        assert runs.acquire(timeout=10)
    finally:
        scheduler.shutdown(wait=True)


def test_a_drain_gives_back_what_was_not_begun(app: Flask, world: World) -> None:
    put(3)
    claim_messages("stopping", Channel.MAIL, 2)
    claim_messages("another", Channel.MAIL, 1)
    db.session.rollback()  # SQLite: what this test has read must not keep others from writing
    hand_back(app, Monitor("stopping"))
    db.session.expire_all()
    holders = [
        row.claimed_by for row in db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id))
    ]
    assert sorted(holders, key=str) == [None, None, "another"]


def test_a_drain_does_not_wait_for_ever(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "DRAIN_SECONDS", 0.2)
    put(1)
    begun, end = threading.Event(), threading.Event()

    def hang(_work: Work) -> int:
        begun.set()
        end.wait(20)
        return 0

    scheduler = BackgroundScheduler(timezone="UTC")
    monitor = Monitor("stopping")
    add_job(scheduler, app, Row(hang, 1), monitor)
    claim_messages("stopping", Channel.MAIL, 1)
    db.session.rollback()
    scheduler.start()
    assert begun.wait(10)
    assert not drain(scheduler)
    hand_back(app, monitor)
    end.set()
    db.session.expire_all()
    assert db.session.scalars(db.select(OutboxMessage.claimed_by)).one() is None


def test_a_job_that_is_asked_to_stop_takes_no_new_piece(world: World, mailer: FakeMailer) -> None:
    put(5)
    work = Work("worker")
    original = mailer.send

    def stop_after_one(message: object) -> None:
        original(message)  # type: ignore[arg-type]
        work.stop.set()

    mailer.send = stop_after_one  # type: ignore[method-assign]
    assert deliver_mails(work) == 1
    assert len(mailer.sent) == 1
    assert deliver_mails(work) == 0


def test_every_due_mail_leaves_in_one_run(world: World, mailer: FakeMailer) -> None:
    put(7)
    assert deliver_mails(Work("worker")) == 7
    assert len({mail["To"] for mail in mailer.sent}) == 7
    assert set(db.session.scalars(db.select(OutboxMessage.status))) == {OutboxStatus.DELIVERED}


def test_a_poison_event_does_not_stop_the_others(
    world: World,
    stripe: FakeStripe,
    receive: Receive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = stripe.customer

    def poisoned(customer_id: str, **named: int) -> CustomerSnapshot:
        if customer_id == "cus_poison":
            raise KeyError("a field that Stripe has renamed")
        return original(customer_id, **named)

    monkeypatch.setattr(stripe, "customer", poisoned)
    db.session.get_one(Organization, world.globex.organization_id).stripe_customer_id = "cus_poison"
    for number, customer_id in enumerate(["cus_acme", "cus_poison", "cus_acme", "cus_acme"]):
        receive("customer.updated", {"id": customer_id, "object": "customer"}, f"evt_{number}")
    assert retry_stripe_events(Work("worker")) == 4
    db.session.expire_all()
    states = dict(db.session.execute(db.select(StripeEvent.id, StripeEvent.status)).all())
    assert states.pop("evt_1") == EventStatus.PENDING
    assert set(states.values()) == {EventStatus.HANDLED}
    poison = db.session.get_one(StripeEvent, "evt_1")
    assert (poison.attempts, poison.last_error, poison.claimed_by) == (1, "KeyError", None)


def test_what_a_killed_worker_held_is_done_by_the_next(world: World, mailer: FakeMailer) -> None:
    put(2)
    claim_messages("killed", Channel.MAIL, 2)
    assert deliver_mails(Work("next")) == 0
    db.session.execute(update(OutboxMessage).values(claimed_until=utcnow() - timedelta(seconds=1)))
    db.session.commit()
    assert deliver_mails(Work("next")) == 2
    assert len(mailer.sent) == 2


def test_what_is_claimed_at_once_ends_well_before_the_lease() -> None:
    from portal.gateways import mailer, stripe_api
    from portal.kit.work import LEASE, RENEW_AFTER

    assert LEASE.total_seconds() > mailer.CONVERSATION_SECONDS + mailer.STEP_SECONDS, "one mail at a time"
    tries = 2
    one_question = tries * stripe_api.PATIENT_TIMEOUT_SECONDS
    assert RENEW_AFTER.total_seconds() + one_question < LEASE.total_seconds(), "renewed between two questions"


def test_a_silent_mail_server_does_not_hold_up_what_is_for_stripe(
    world: World, stripe: FakeStripe, mailer: FakeMailer
) -> None:
    put(1)
    put_stripe("customer-details", "cus_acme", world.acme.organization_id)
    db.session.commit()
    claim_messages("stuck in a mail", Channel.MAIL, 1)
    assert push_to_stripe(Work("worker")) == 1
    assert len(stripe.updates) == 1
    assert mailer.sent == []


def test_tidying_forgets_only_what_is_over(world: World) -> None:
    count_attempt(Limit("a", 3, timedelta(minutes=5)), "x")
    count_attempt(Limit("b", 3, timedelta(minutes=5)), "x")
    first = db.session.scalars(db.select(AttemptCounter)).first()
    assert first is not None
    first.window_ends_at = utcnow() - timedelta(seconds=1)
    now = utcnow()
    for days in (1, 40):
        gone = now - timedelta(days=days)
        db.session.add(
            UserSession(
                token_hash=str(days),
                user_id=world.acme.users["owner"],
                created_at=gone,
                last_seen_at=gone,
                expires_at=gone,
            )
        )  # type: ignore[index]
    db.session.commit()
    assert tidy_up(Work("worker")) == 2
    assert len(db.session.scalars(db.select(AttemptCounter)).all()) == 1
    assert db.session.scalars(db.select(UserSession.token_hash)).all() == ["1"]


def test_a_run_that_did_nothing_says_nothing(
    app: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run_job(app, Row(deliver_mails, 1), Monitor("worker"))
    assert [record for record in caplog.records if record.name == "portal.jobs"] == []
    put(1)
    run_job(app, Row(deliver_mails, 1), Monitor("worker"))
    (line,) = [record for record in caplog.records if record.name == "portal.jobs"]
    assert json.dumps({"job": line.job, "count": line.count}) == '{"job": "deliver_mails", "count": 1}'
