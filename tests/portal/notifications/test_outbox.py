"""A message leaves at least once with the same key, is tried again by the timetable, and in the end declared dead."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from jobs.deliver_mails import deliver_mails
from jobs.push_to_stripe import push_to_stripe
from jobs.work import Work
from portal.errors import NotFoundError
from portal.extensions import db
from portal.gateways.mailer import MailNotSentError
from portal.gateways.stripe_api import StripeRefusedError
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.notifications.delivery import deliver
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import DELIVERY_SCHEDULE, claim_messages, put_mail, put_stripe, untold
from portal.permissions import Role
from portal.team.invitations import invite_member, revoke_invitation
from tests.factories import World
from tests.fakes import FakeMailer, FakeStripe
from tests.portal.notifications.samples import told

REMOVED = told("member-removed")


def put(world: World) -> None:
    put_mail("member-removed", "ana@acme.example", REMOVED, world.acme.organization_id)
    db.session.commit()


def row() -> OutboxMessage:
    db.session.expire_all()
    return db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.channel != Channel.EVENT)).one()


def run(worker: str = "worker", channel: Channel = Channel.MAIL) -> int:
    """Deliver what is due; how many were tried."""
    claimed = [message.id for message in claim_messages(worker, channel, 10)]
    for message_id in claimed:
        deliver(message_id, worker)
    return len(claimed)


def make_due() -> None:
    db.session.execute(update(OutboxMessage).values(next_attempt_at=utcnow()))
    db.session.commit()


def test_a_mail_is_sent_and_marked(world: World, mailer: FakeMailer) -> None:
    put(world)
    assert run() == 1
    assert [mail["To"] for mail in mailer.sent] == ["ana@acme.example"]
    found = row()
    assert (found.status, found.attempts, found.claimed_by, found.next_attempt_at) == (
        OutboxStatus.DELIVERED,
        1,
        None,
        None,
    )
    assert found.delivered_at is not None
    assert run() == 0


def test_the_same_row_always_has_the_same_message_id(world: World, mailer: FakeMailer) -> None:
    put(world)
    mailer.error = MailNotSentError("later", is_permanent=False)
    run()
    make_due()
    mailer.error = None
    run()
    claimed = row()
    claimed.status, claimed.next_attempt_at = OutboxStatus.PENDING, utcnow()  # as if the mark had been lost
    db.session.commit()
    run()
    first, second = mailer.sent
    assert first["Message-ID"] == second["Message-ID"] == f"<{row().message_key}@localhost>"
    assert first["Date"] == second["Date"]


def test_a_temporary_refusal_is_tried_again_by_the_timetable(world: World, mailer: FakeMailer) -> None:
    put(world)
    mailer.error = MailNotSentError("the mail server answered 451", is_permanent=False)
    assert run() == 1
    found = row()
    assert (found.status, found.attempts, found.last_error) == (
        OutboxStatus.PENDING,
        1,
        "the mail server answered 451",
    )
    assert found.next_attempt_at is not None
    assert found.next_attempt_at > utcnow()
    assert found.claimed_by is None
    assert run() == 0


def test_a_permanent_refusal_is_final(world: World, mailer: FakeMailer) -> None:
    put(world)
    mailer.error = MailNotSentError("the mail server answered 550", is_permanent=True)
    run()
    assert (row().status, row().next_attempt_at) == (OutboxStatus.DEAD, None)


def test_after_the_last_try_a_message_is_dead(world: World, mailer: FakeMailer) -> None:
    put(world)
    mailer.error = MailNotSentError("later", is_permanent=False)
    for _ in range(len(DELIVERY_SCHEDULE.waits) + 1):
        assert row().status == OutboxStatus.PENDING
        make_due()
        run()
    assert (row().status, row().attempts) == (OutboxStatus.DEAD, len(DELIVERY_SCHEDULE.waits) + 1)


def test_without_a_mail_server_messages_wait(app: Flask, world: World) -> None:
    app.extensions["portal"].mailer = None
    put(world)
    assert deliver_mails(Work("worker")) == 0
    assert (row().status, row().attempts) == (OutboxStatus.PENDING, 0)


def test_who_lost_the_lease_sends_nothing(world: World, mailer: FakeMailer) -> None:
    put(world)
    claim_messages("dead", Channel.MAIL, 1)
    deliver(row().id, "alive")
    assert mailer.sent == []


def test_a_lease_lost_while_sending_is_not_marked_by_the_loser(
    app: Flask, world: World, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world)

    def slow(_message: object) -> None:
        with app.app_context():
            db.session.execute(update(OutboxMessage).values(claimed_by="alive"))
            db.session.commit()

    monkeypatch.setattr(mailer, "send", slow)
    run("slow")
    assert (row().status, row().claimed_by, row().attempts) == (OutboxStatus.PENDING, "alive", 0)


def test_nothing_is_locked_while_the_mail_server_is_asked(
    app: Flask, world: World, mailer: FakeMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world)

    def send(_message: object) -> None:
        with app.app_context():
            db.session.get_one(Organization, world.acme.organization_id).name = "Written meanwhile"
            db.session.execute(update(OutboxMessage).values(last_error="seen"))
            db.session.commit()

    monkeypatch.setattr(mailer, "send", send)
    run()
    assert row().status == OutboxStatus.DELIVERED


def test_a_mail_that_cannot_be_written_does_not_stop_others(world: World, mailer: FakeMailer) -> None:
    put_mail("member-removed", "broken@acme.example", {}, world.acme.organization_id)
    put(world)
    deliver_mails(Work("worker"))
    states = dict(db.session.execute(db.select(OutboxMessage.recipient, OutboxMessage.status)).all())
    assert states["ana@acme.example"] == OutboxStatus.DELIVERED
    assert [mail["To"] for mail in mailer.sent] == ["ana@acme.example"]
    attempts = dict(db.session.execute(db.select(OutboxMessage.recipient, OutboxMessage.attempts)).all())
    assert attempts["broken@acme.example"] == 1


def put_details(world: World) -> None:
    put_stripe("customer-details", "cus_acme", world.acme.organization_id)
    db.session.commit()


def test_stripe_is_told_the_present_details_with_a_key_for_each_try(world: World, stripe: FakeStripe) -> None:
    put_details(world)
    stripe.is_down = True
    run(channel=Channel.STRIPE)
    organization = db.session.get_one(Organization, world.acme.organization_id)
    organization.name = "Acme since then"
    db.session.commit()
    stripe.is_down = False
    make_due()
    run(channel=Channel.STRIPE)
    (told,) = stripe.updates
    assert told[:3] == ("cus_acme", "Acme since then", "billing@acme.example")
    assert told[3].startswith(f"{row().message_key}-0-1-")


@pytest.mark.parametrize("error", [StripeRefusedError("no"), NotFoundError("gone")])
def test_what_stripe_refuses_is_not_repeated(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(stripe, "update_customer", refuse)
    put_details(world)
    run(channel=Channel.STRIPE)
    assert row().status == OutboxStatus.DEAD


def test_a_customer_that_is_nobodys_any_more_is_given_up(world: World, stripe: FakeStripe) -> None:
    put_stripe("customer-details", "cus_gone", None)
    db.session.commit()
    run(channel=Channel.STRIPE)
    assert (row().status, stripe.updates) == (OutboxStatus.DEAD, [])


def test_untold_is_by_channel_recipient_and_topic(world: World) -> None:
    put_details(world)
    assert [found.status for found in untold(Channel.STRIPE, "cus_acme", "customer-details")] == ["pending"]
    assert not untold(Channel.STRIPE, "cus_other", "customer-details")
    assert not untold(Channel.STRIPE, "cus_acme", "customer-tax-ids")
    assert not untold(Channel.MAIL, "cus_acme", "customer-details")
    run(channel=Channel.STRIPE)
    assert not untold(Channel.STRIPE, "cus_acme", "customer-details")


def test_what_is_untold_is_found_without_going_through_what_was_delivered(world: World) -> None:
    if db.engine.dialect.name == "postgresql":
        db.session.execute(db.text("SET LOCAL enable_seqscan = off"))
    plans: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, bound: Any, *_rest: Any) -> None:
        words = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
        plans.append(str(connection.connection.cursor().execute(words + statement, bound).fetchall()))

    db.event.listen(db.engine, "before_cursor_execute", explain)
    untold(Channel.STRIPE, "cus_acme", "customer-details")
    db.event.remove(db.engine, "before_cursor_execute", explain)
    assert "ix_outbox_waiting" in plans[-1]
    assert re.search("ix_outbox_(dead|due)", plans[-1])


def test_the_timetable_reaches_over_a_day() -> None:
    assert timedelta(seconds=sum(DELIVERY_SCHEDULE.waits)) > timedelta(days=1)


def test_keys_are_never_shared(world: World) -> None:
    for _ in range(20):
        put(world)
    assert len(set(db.session.scalars(db.select(OutboxMessage.message_key)))) == 20


def test_a_change_made_while_stripe_was_told_is_told_again(
    app: Flask, world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_details(world)
    real = stripe.update_customer

    def told(customer_id: str, *, name: str, **details: Any) -> None:
        real(customer_id, name=name, **details)
        with app.app_context():
            db.session.get_one(Organization, world.acme.organization_id).name = f"{name} and more"
            db.session.commit()

    monkeypatch.setattr(stripe, "update_customer", told)
    run(channel=Channel.STRIPE)
    assert row().status == OutboxStatus.PENDING
    monkeypatch.setattr(stripe, "update_customer", real)
    run(channel=Channel.STRIPE)
    assert [name for _, name, _, _ in stripe.updates] == ["Acme", "Acme and more"]
    assert row().status == OutboxStatus.DELIVERED


def test_a_silent_mail_server_holds_up_no_change_for_stripe(
    world: World, mailer: FakeMailer, stripe: FakeStripe
) -> None:
    put(world)
    put_details(world)
    mailer.error = MailNotSentError("later", is_permanent=False)
    push_to_stripe(Work("worker"))
    assert [name for _, name, _, _ in stripe.updates] == ["Acme"]


def test_the_mail_of_an_invitation_taken_back_is_not_sent(world: World, mailer: FakeMailer) -> None:
    invitation = invite_member(world.acme.actor(), "zoe@acme.example", Role.MEMBER)
    revoke_invitation(world.acme.actor(), invitation.id)
    db.session.commit()
    run()
    assert (row().status, mailer.sent) == (OutboxStatus.DEAD, [])
