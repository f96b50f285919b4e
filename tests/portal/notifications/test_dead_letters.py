"""Staff see what could not be delivered, and a lead has it tried again, with a reason in the log."""

import pytest

from jobs.deliver_mails import deliver_mails
from jobs.work import Work
from portal.audit.models import AuditEntry
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.gateways.mailer import MailNotSentError
from portal.notifications.dead_letters import (
    dead_letters_page,
    messages_of_organization,
    notifications_of_organization,
    resend,
)
from portal.notifications.events import Event
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import put_stripe
from portal.permissions import Role
from tests.factories import World
from tests.fakes import FakeMailer, FakeSlack
from tests.portal.notifications.telling import outsider, staff_actor, tell

REASON = "Their mail server is mended"


@pytest.fixture
def dead(world: World, mailer: FakeMailer) -> OutboxMessage:
    """A mail of Acme that was refused for good."""
    mailer.error = MailNotSentError("the mail server refused the recipient with 550", is_permanent=True)
    tell(Event.BILLING_EMAIL_CHANGED, outsider(world.acme), addresses=["money@acme.example"])
    deliver_mails(Work("worker"))
    mailer.error = None
    db.session.expire_all()
    statement = db.select(OutboxMessage).where(OutboxMessage.recipient == "money@acme.example")
    return db.session.scalars(statement).one()


def test_what_was_given_up_is_shown_with_the_reason(world: World, dead: OutboxMessage) -> None:
    rows = {row.recipient: row for row in dead_letters_page().rows}
    assert rows.keys() == {"owner@acme.example", "money@acme.example"}
    row = rows["money@acme.example"]
    assert (row.organization_name, row.topic) == ("Acme", "billing-email-changed")
    assert row.last_error == "the mail server refused the recipient with 550"
    with pytest.raises(InvalidInputError):
        dead_letters_page("made up")


def test_a_lead_has_it_sent_again_under_the_same_key(
    world: World, dead: OutboxMessage, mailer: FakeMailer
) -> None:
    key = dead.message_key
    resend(staff_actor(world.lead_email), dead.id, f"  {REASON} ")
    db.session.commit()
    assert (dead.status, dead.attempts) == (OutboxStatus.PENDING, 0)
    deliver_mails(Work("worker"))
    assert [mail["Message-ID"] for mail in mailer.sent] == [f"<{key}@localhost>"]
    (entry,) = db.session.scalars(db.select(AuditEntry))
    assert (entry.action, entry.reason, entry.organization_id, entry.entity_name) == (
        "notification:message:resent",
        REASON,
        world.acme.organization_id,
        "money@acme.example",
    )


def test_only_what_was_given_up_is_sent_again_and_once(world: World, dead: OutboxMessage) -> None:
    lead = staff_actor(world.lead_email)
    resend(lead, dead.id, REASON)
    with pytest.raises(ConflictError):
        resend(lead, dead.id, REASON)
    with pytest.raises(NotFoundError):
        resend(lead, 10**9, REASON)


@pytest.mark.parametrize("reason", ["", "no", "x" * 501])
def test_a_reason_is_needed(world: World, dead: OutboxMessage, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        resend(staff_actor(world.lead_email), dead.id, reason)
    assert refusal.value.field == "reason"
    assert dead.status == OutboxStatus.DEAD


def test_support_and_customers_send_nothing_again(world: World, dead: OutboxMessage) -> None:
    for actor in (staff_actor(world.support_email), world.acme.actor()):
        with pytest.raises(ForbiddenError):
            resend(actor, dead.id, REASON)


def test_what_went_to_an_organizations_people_is_listed_without_another_s(
    world: World, slack: FakeSlack
) -> None:
    put_stripe("customer-details", "cus_acme", world.acme.organization_id)
    for tenant in (world.acme, world.globex):
        tell(Event.PLAN_CHANGED, outsider(tenant))
    rows = messages_of_organization(world.acme.organization_id).rows
    assert {row.channel for row in rows} == {Channel.MAIL, Channel.SLACK}
    assert {row.organization_id for row in rows} == {world.acme.organization_id}
    told = notifications_of_organization(world.acme.organization_id).rows
    assert {row.user_email for row in told} == {
        world.acme.emails[role] for role in (Role.OWNER, Role.ADMIN, Role.BILLING)
    }
    assert all(row.text for row in told)
