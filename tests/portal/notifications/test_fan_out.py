"""An event becomes a message for everybody in one step: a worker that dies loses none and doubles none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from sqlalchemy import event as sql_event
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from jobs.deliver_mails import deliver_mails
from jobs.deliver_slack import deliver_slack
from jobs.fan_out_events import fan_out_events
from jobs.work import Work
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.notifications import fan_out
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event, announce
from portal.notifications.fan_out import expand_event
from portal.notifications.models import (
    Channel,
    Digest,
    Notification,
    NotificationSettings,
    OutboxMessage,
    OutboxStatus,
    SlackSubscription,
)
from portal.notifications.outbox import claim_messages
from portal.permissions import Role
from tests.factories import World
from tests.fakes import FakeMailer, FakeSlack
from tests.portal.notifications.samples import SAMPLES
from tests.portal.notifications.telling import mailed, messages, notified, outsider, tell

EVENT = Event.OWNERSHIP_CHANGED


class Killed(BaseException):
    """The process is gone: nothing in it catches this."""


def put(world: World, event: Event = EVENT) -> None:
    announce(event, outsider(world.acme), SAMPLES[event], about=[world.acme.users[Role.MEMBER]])
    db.session.commit()


@contextmanager
def killed_at(step: int) -> Iterator[list[int]]:
    """Dies right before the statement, or the commit, with that number; gives how many there were."""
    steps = [0]

    def count(*_: object) -> None:
        steps[0] += 1
        if steps[0] == step:
            raise Killed

    sql_event.listen(db.engine, "before_cursor_execute", count)
    sql_event.listen(db.engine, "commit", count)
    try:
        yield steps
    finally:
        sql_event.remove(db.engine, "before_cursor_execute", count)
        sql_event.remove(db.engine, "commit", count)


def free_claims() -> None:
    """As if the lease had run out."""
    db.session.rollback()
    db.session.execute(update(OutboxMessage).values(claimed_until=utcnow() - timedelta(seconds=1)))
    db.session.commit()


def die(step: int, job: Callable[[Work], int]) -> bool:
    """Run a job that dies at a step; False once it has fewer steps than that."""
    try:
        with killed_at(step):
            job(Work("killed"))
    except Killed:
        free_claims()
        return True
    return False


def test_killed_between_any_two_steps_each_is_told_once(world: World, slack: FakeSlack) -> None:
    step = 1
    while True:
        put(world)
        if not die(step, fan_out_events):
            break
        fan_out_events(Work("next"))
        step += 1
    assert step > 8
    events = len(messages(Channel.EVENT))
    assert {row.status for row in messages(Channel.EVENT)} == {OutboxStatus.DELIVERED}
    assert sorted(notified()) == sorted(["owner@acme.example", "member@acme.example"] * events)
    assert sorted(mailed()) == sorted(["owner@acme.example", "member@acme.example"] * events)
    assert mailed(Channel.SLACK) == ["team"] * events


@pytest.mark.parametrize("job", [deliver_mails, deliver_slack])
def test_killed_while_delivering_each_arrives_and_again_only_under_the_same_key(
    world: World, mailer: FakeMailer, slack: FakeSlack, job: Callable[[Work], int]
) -> None:
    step = 1
    while True:
        tell(EVENT, outsider(world.acme))
        if not die(step, job):
            break
        job(Work("next"))
        step += 1
    sent = [key for key, _ in slack.sent] if job is deliver_slack else [m["Message-ID"] for m in mailer.sent]
    channel = Channel.SLACK if job is deliver_slack else Channel.MAIL
    keys = {row.message_key for row in messages(channel)}
    assert {str(key).strip("<>").partition("@")[0] for key in sent} == keys
    assert {row.status for row in messages(channel)} == {OutboxStatus.DELIVERED}
    assert len(sent) > len(keys), "killed between sending and marking, it is sent again"


def test_two_workers_at_once_tell_each_once(app: Flask, world: World) -> None:
    for _ in range(10):
        put(world)
    start = threading.Barrier(2, timeout=20)

    def work(name: str) -> None:
        with app.app_context():
            start.wait()
            for _ in range(12):
                fan_out_events(Work(name))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert {row.status for row in messages(Channel.EVENT)} == {OutboxStatus.DELIVERED}
    assert len(mailed()) == len(notified()) == 20


def test_keys_come_from_the_event_and_give_no_address_away(world: World, slack: FakeSlack) -> None:
    put(world)
    put(world)
    fan_out_events(Work("worker"))
    sources = {row.message_key for row in messages(Channel.EVENT)}
    made = [row.message_key for channel in (Channel.MAIL, Channel.SLACK) for row in messages(channel)]
    made += db.session.scalars(db.select(Notification.message_key)).all()
    assert {key.partition("-")[0] for key in made} == sources
    assert len(set(made)) == len(made) == 10
    assert all(len(key) <= 64 and "@" not in key for key in made)


def test_the_entry_is_the_mails_subject_and_leads_into_the_portal(world: World, mailer: FakeMailer) -> None:
    for event in Event:
        put(world, event)
    fan_out_events(Work("worker"))
    deliver_mails(Work("worker"))
    subjects = {str(mail["Subject"]) for mail in mailer.sent}
    rows = db.session.scalars(db.select(Notification)).all()
    assert {row.event for row in rows} == {event.value for event in Event}
    for row in rows:
        is_staffs = CATALOGUE[Event(row.event)].is_staff_only
        assert row.link.startswith("/admin/" if is_staffs else "/account/"), row.event
        assert row.text in subjects or row.event == Event.INVITATION_SENT, "which is not mailed by default"


def test_slack_is_told_what_the_team_wants(world: World, slack: FakeSlack) -> None:
    for event, is_on in ((Event.MEMBER_ADDED, True), (Event.PLAN_CHANGED, False)):
        db.session.add(
            SlackSubscription(event=event.value, is_on=is_on, changed_by="Lena", changed_at=utcnow())
        )
    for event in (Event.MEMBER_ADDED, Event.PLAN_CHANGED, Event.PAYMENT_FAILED, Event.CARD_CHANGED):
        put(world, event)
    fan_out_events(Work("worker"))
    told = [row.topic for row in messages(Channel.SLACK)]
    assert told == [Event.MEMBER_ADDED, Event.PAYMENT_FAILED], "chosen, and by default"


def test_without_slack_nothing_is_put_there(world: World) -> None:
    tell(Event.PAYMENT_FAILED, outsider(world.acme))
    assert mailed(Channel.SLACK) == []
    assert deliver_slack(Work("worker")) == 0


def test_what_may_wait_goes_into_the_digest_of_those_who_chose_one(world: World) -> None:
    owner = world.acme.users[Role.OWNER]
    db.session.add(NotificationSettings(user_id=owner, digest=Digest.DAILY))
    tell(Event.INVOICE_ISSUED, outsider(world.acme))
    tell(Event.INVOICE_OVERDUE, outsider(world.acme))
    (waiting,) = messages(Channel.DIGEST)
    assert (waiting.recipient, waiting.topic) == (owner, "invoice-issued")
    assert waiting.next_attempt_at is not None
    assert (waiting.next_attempt_at.hour, waiting.next_attempt_at.minute) == (8, 0)
    assert timedelta(0) < waiting.next_attempt_at - utcnow() <= timedelta(days=1)
    assert mailed().count("owner@acme.example") == 1, "what is overdue does not wait"
    assert notified().count("owner@acme.example") == 2


def test_an_event_that_cannot_be_told_holds_up_no_other(world: World) -> None:
    put(world)
    put(world, Event.MEMBER_REMOVED)
    first = messages(Channel.EVENT)[0]
    first.topic = "an-event-of-a-newer-version"
    db.session.commit()
    assert fan_out_events(Work("worker")) == 2
    db.session.expire_all()
    assert [row.status for row in messages(Channel.EVENT)] == [OutboxStatus.DEAD, OutboxStatus.DELIVERED]
    assert messages(Channel.EVENT)[0].last_error == "ValueError"
    assert {row.topic for row in messages(Channel.MAIL)} == {"member-removed"}


def test_a_busy_database_is_tried_again_and_leaves_nothing_half_told(world: World, slack: FakeSlack) -> None:
    put(world)
    busy = OperationalError("insert", {}, Exception("database is locked"))
    with patch("portal.notifications.fan_out.slack_subscriptions", side_effect=busy):
        fan_out_events(Work("worker"))
    db.session.expire_all()
    (row,) = messages(Channel.EVENT)
    assert (row.status, row.attempts, row.last_error) == (OutboxStatus.PENDING, 1, "OperationalError")
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > utcnow()
    assert (mailed(), notified()) == ([], [])


def test_what_the_outbox_refuses_is_a_failed_try_of_that_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_key", lambda *_: "the same for two")
    tell(Event.BILLING_EMAIL_CHANGED, outsider(world.acme), addresses=["old@acme.example"])
    (event,) = messages(Channel.EVENT)
    assert (event.attempts, event.last_error, event.claimed_by) == (1, "IntegrityError", None)
    assert mailed() == notified() == []


def test_who_lost_the_lease_tells_nobody(world: World) -> None:
    put(world)
    (claimed,) = claim_messages("dead", Channel.EVENT, 1)
    expand_event(claimed.id, "alive")
    assert (mailed(), notified()) == ([], [])


def test_events_of_an_organization_are_told_in_their_order(world: World) -> None:
    put(world)
    put(world, Event.MEMBER_REMOVED)
    announce(EVENT, outsider(world.globex), SAMPLES[EVENT])
    db.session.commit()
    (first, other) = claim_messages("one", Channel.EVENT, 10)
    assert (first.topic, other.organization_id) == (EVENT, world.globex.organization_id)
    assert claim_messages("two", Channel.EVENT, 10) == []
    expand_event(first.id, "one")
    assert [row.topic for row in claim_messages("two", Channel.EVENT, 10)] == [Event.MEMBER_REMOVED]


def test_what_is_announced_without_what_its_texts_read_fails_at_once(world: World) -> None:
    for event in Event:
        for key in SAMPLES[event]:
            less: dict[str, Any] = {name: value for name, value in SAMPLES[event].items() if name != key}
            with pytest.raises(KeyError, match=key):
                announce(event, outsider(world.acme), less)
    assert list(messages(Channel.EVENT)) == []
