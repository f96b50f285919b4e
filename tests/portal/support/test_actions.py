"""What leads do for a customer: each with a reason, in the customer's log, and told to whom it concerns."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.actor import Actor, ActorKind
from portal.audit.models import AuditEntry
from portal.contracts.documents import remove_document
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, PortalError
from portal.extensions import db
from portal.identity.models import User
from portal.identity.sessions import find_session, start_session
from portal.invoices.models import Invoice, InvoiceStatus
from portal.invoices.service import mark_paid
from portal.kit.clock import utcnow
from portal.notifications.models import Channel, OutboxMessage
from portal.permissions import Role
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.replay import replay_event
from portal.support.service import end_sessions
from portal.team.invitations import find_invitation, invitation_token, resend_as_staff
from portal.team.models import Invitation
from tests.blueprints.things import ISSUED, Things, make_event, make_invoice
from tests.factories import World, add_member, make_user
from tests.portal.support.conftest import REASON, Staff, actor

PAID_ON = ISSUED.date()
ACTIONS: dict[str, tuple[Callable[[Actor, Things, str], object], str]] = {
    "invitation": (
        lambda who, things, why: resend_as_staff(who, things.invitation_id, why),
        "invitation:mail:resent",
    ),
    "sessions": (lambda who, things, why: end_sessions(who, things.member_id, why), "staff:sessions:ended"),
    "payment": (
        lambda who, things, why: mark_paid(who, things.invoice_id, Decimal("119.00"), PAID_ON, why),
        "invoice:payment:recorded",
    ),
    "event": (lambda who, things, why: replay_event(who, things.event_id, why), "stripe:event:replayed"),
    "document": (
        lambda who, things, why: remove_document(who, things.document_id, why),
        "contract:document:removed",
    ),
}


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> tuple[Callable[[Actor, Things, str], object], str]:
    """Each action in turn: how it is done, and what the log calls it."""
    return ACTIONS[request.param]


def messages(topic: str) -> list[dict[str, Any]]:
    statement = select(OutboxMessage).where(OutboxMessage.topic == topic).order_by(OutboxMessage.id)
    return [message.payload for message in db.session.scalars(statement)]


def test_a_lead_acts_and_the_customers_log_says_who_and_why(
    world: World, acme: Things, staff: Staff, action: Any
) -> None:
    verb, name = action
    verb(staff.lead, acme, f"  {REASON}\n\n as agreed ")
    row = db.session.scalars(select(AuditEntry).where(AuditEntry.action == name)).one()
    assert (row.chain, row.actor_kind, row.actor_name, row.reason) == (
        world.acme.organization_id,
        ActorKind.STAFF,
        "Lead",
        f"{REASON} as agreed",
    )


def test_support_may_not(acme: Things, staff: Staff, action: Any) -> None:
    with pytest.raises(ForbiddenError):
        action[0](staff.support, acme, REASON)


def test_a_customer_may_not(world: World, acme: Things, action: Any) -> None:
    for role in Role:
        with pytest.raises(ForbiddenError):
            action[0](world.acme.actor(role), acme, REASON)


def test_without_a_reason_nothing_happens(acme: Things, staff: Staff, action: Any) -> None:
    for reason in ("", "abcd", "x" * 501, "\u200b\u200b\u200b\u200b\u200b"):
        with pytest.raises(InvalidInputError) as refused:
            action[0](staff.lead, acme, reason)
        assert refused.value.field == "reason"


def test_another_organizations_thing_is_unknown(
    world: World, acme: Things, globex: Things, staff: Staff, action: Any
) -> None:
    with pytest.raises(NotFoundError):
        action[0](staff.lead, globex, REASON)
    with pytest.raises(NotFoundError):
        action[0](actor(world.lead_email, world.globex.organization_id), acme, REASON)


def test_an_expired_invitation_can_be_sent_again(acme: Things, staff: Staff) -> None:
    db.session.execute(update(Invitation).values(expires_at=utcnow() - timedelta(days=3)))
    db.session.commit()
    sent = resend_as_staff(staff.lead, acme.invitation_id, REASON)
    db.session.commit()
    assert find_invitation(invitation_token(sent.id, 2)).id == sent.id
    mail = db.session.scalars(
        select(OutboxMessage).where(
            OutboxMessage.channel == Channel.MAIL, OutboxMessage.topic == "invitation"
        )
    ).all()[-1]
    assert mail.payload["actor"] == "Owner", "the person invites, not the staff"


@pytest.mark.parametrize("state", ["accepted_at", "revoked_at"])
def test_an_invitation_that_is_over_is_not_sent_again(acme: Things, staff: Staff, state: str) -> None:
    db.session.execute(update(Invitation).values({state: utcnow()}))
    with pytest.raises(ConflictError, match="used or taken back"):
        resend_as_staff(staff.lead, acme.invitation_id, REASON)


def test_an_old_invitation_does_not_pass_a_newer_way_in(world: World, acme: Things, staff: Staff) -> None:
    old = db.session.get_one(Invitation, acme.invitation_id)
    old.expires_at = utcnow() - timedelta(days=1)
    newer = Invitation(
        organization_id=old.organization_id,
        email=old.email,
        role=Role.VIEWER,
        token_hash="x",
        invited_by_name="Owner",
        expires_at=utcnow() + timedelta(days=1),
    )
    db.session.add(newer)
    db.session.flush()
    with pytest.raises(ConflictError, match="newer invitation"):
        resend_as_staff(staff.lead, acme.invitation_id, REASON)
    newer.revoked_at = utcnow()
    db.session.flush()
    from portal.identity.queries import organization_by_id

    add_member(organization_by_id(old.organization_id), make_user(old.email), Role.MEMBER)
    with pytest.raises(ConflictError, match="in the team already"):
        resend_as_staff(staff.lead, acme.invitation_id, REASON)


def test_a_person_is_signed_out_on_every_device_and_told(world: World, acme: Things, staff: Staff) -> None:
    from portal.actor import Origin

    user_id = world.acme.users[Role.MEMBER]
    user = db.session.get_one(User, user_id)
    other = start_session(db.session.get_one(User, world.acme.users[Role.ADMIN]), Origin())
    tokens = [start_session(user, Origin()) for _ in range(3)]
    end_sessions(staff.lead, world.acme.members[Role.MEMBER], REASON)
    assert [find_session(token) for token in tokens] == [None] * 3
    assert find_session(other) is not None
    (payload,) = messages("sessions-ended")
    assert (payload["reason"], payload["about"]) == (REASON, [user_id])
    row = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "staff:sessions:ended")).one()
    assert row.after == {"sessions": 3}


def test_a_payment_is_recorded_and_told(world: World, acme: Things, staff: Staff) -> None:
    mark_paid(staff.lead, acme.invoice_id, Decimal(119), PAID_ON, REASON)
    invoice = db.session.get_one(Invoice, acme.invoice_id)
    assert (invoice.status, invoice.due_minor, invoice.paid_minor) == (InvoiceStatus.PAID, 0, 11_900)
    assert invoice.paid_at is not None
    assert invoice.paid_at.date() == PAID_ON
    (payload,) = messages("invoice-paid")
    assert {
        name: payload[name] for name in ("invoice", "invoice_id", "amount_minor", "currency", "paid_at")
    } == {
        "invoice": "A-1",
        "invoice_id": acme.invoice_id,
        "amount_minor": 11_900,
        "currency": "eur",
        "paid_at": invoice.paid_at.isoformat(),
    }


@pytest.mark.parametrize(
    ("amount", "paid_on", "field"),
    [
        ("118.99", PAID_ON, "amount"),
        ("119.01", PAID_ON, "amount"),
        ("-119.00", PAID_ON, "amount"),
        ("119.001", PAID_ON, "amount"),
        ("NaN", PAID_ON, "amount"),
        ("Infinity", PAID_ON, "amount"),
        ("1e400", PAID_ON, "amount"),
        ("119.00", PAID_ON - timedelta(days=1), "paid_on"),
        ("119.00", date(9999, 12, 31), "paid_on"),
    ],
)
def test_a_wrong_amount_or_day_is_refused_by_its_field(
    acme: Things, staff: Staff, amount: str, paid_on: date, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        mark_paid(staff.lead, acme.invoice_id, Decimal(amount), paid_on, REASON)
    assert refused.value.field == field


def test_neither_stripes_invoices_nor_closed_ones_are_marked(
    world: World, acme: Things, staff: Staff
) -> None:
    closed = [
        make_invoice(world.acme.organization_id, f"X-{status}", status=status).id
        for status in InvoiceStatus
        if status is not InvoiceStatus.OPEN
    ]
    for invoice_id in (acme.stripe_invoice_id, *closed):
        with pytest.raises(ConflictError):
            mark_paid(staff.lead, invoice_id, Decimal("119.00"), PAID_ON, REASON)


def test_an_event_is_handled_again_from_its_first_try(world: World, acme: Things, staff: Staff) -> None:
    event = db.session.get_one(StripeEvent, acme.event_id)
    for status in (EventStatus.DEAD, EventStatus.HANDLED):
        event.status, event.attempts, event.next_attempt_at = status, 8, None
        db.session.flush()
        replay_event(staff.lead, acme.event_id, REASON)
        assert (event.status, event.attempts, event.last_error) == (EventStatus.PENDING, 0, None)
        assert event.next_attempt_at is not None
        assert event.next_attempt_at <= utcnow()


def test_what_waits_or_was_never_kept_is_not_replayed(world: World, acme: Things, staff: Staff) -> None:
    from portal.identity.queries import organization_by_id

    organization = organization_by_id(world.acme.organization_id)
    for status in (EventStatus.PENDING, EventStatus.IGNORED):
        event_id = make_event(organization, status)
        db.session.execute(update(StripeEvent).where(StripeEvent.id == event_id).values(attempts=0))
        with pytest.raises(ConflictError):
            replay_event(staff.lead, event_id, REASON)


def test_an_event_of_no_customer_is_nobodys(world: World, acme: Things, staff: Staff) -> None:
    from portal.identity.queries import organization_by_id

    db.session.execute(update(StripeEvent).values(customer_id=None))
    organization_by_id(world.acme.organization_id).stripe_customer_id = None
    db.session.flush()
    with pytest.raises(NotFoundError):
        replay_event(staff.lead, acme.event_id, REASON)


def test_staff_of_nothing_may_not(world: World, acme: Things, staff: Staff, action: Any) -> None:
    nobody = replace(staff.lead, staff_role=None)
    with pytest.raises(PortalError):
        action[0](nobody, acme, REASON)
