"""What staff are told, what the team's Slack is told, and what was given up."""

from flask import Flask
from sqlalchemy import select

from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import (
    OutboxMessage,
    OutboxStatus,
)
from portal.notifications.preferences import slack_subscriptions
from tests.blueprints.test_notifications import Browse, actions, ticked
from tests.blueprints.things import Things, make_dead_letter
from tests.factories import World

OF_OPERATION = {
    f"{event}:{channel}"
    for event, entry in CATALOGUE.items()
    if entry.is_staff_only
    for channel in entry.defaults
}
"""What only staff can put right is told to them from the start."""


def test_staff_choose_for_themselves(app: Flask, world: World, browse: Browse) -> None:
    support = browse("support@portal.example")
    page = support.send("GET", "/admin/notifications").text
    assert ticked(page) == OF_OPERATION, "of customers nothing unless asked for"
    assert not CATALOGUE[Event.NEW_DEVICE].is_for_staff
    assert CATALOGUE[Event.NEW_DEVICE].label not in page
    answer = support.send("POST", "/admin/notifications", {"told": ["plan-changed:email"]})
    assert answer.location == "/admin/notifications"
    assert ticked(support.send("GET", "/admin/notifications").text) == {"plan-changed:email"}
    assert ticked(browse("lead@portal.example").send("GET", "/admin/notifications").text) == OF_OPERATION


def test_only_leads_choose_for_the_team(app: Flask, world: World, browse: Browse) -> None:
    support, lead = browse("support@portal.example"), browse("lead@portal.example")
    assert support.send("POST", "/admin/notifications/slack", {"slack": []}).status_code == 403
    assert "Save the team" not in support.send("GET", "/admin/notifications").text
    lead.send("POST", "/admin/notifications/slack", {"slack": ["member-added"]})
    with app.app_context():
        assert [found for found, is_on in slack_subscriptions().items() if is_on] == [Event.MEMBER_ADDED]
    assert Action.SLACK_CHOSEN in actions(app)


def test_what_was_given_up_is_listed_and_sent_again_with_a_reason(
    app: Flask, acme: Things, browse: Browse
) -> None:
    lead, path = browse("lead@portal.example"), f"/admin/notifications/{acme.message_id}/resend"
    page = lead.send("GET", "/admin/notifications").text
    assert "gone@acme.example" in page
    assert "the mail server answered 550" in page
    assert "gone@acme.example" in lead.send("GET", path).text
    short = lead.send("POST", path, {"reason": "x"})
    assert short.status_code == 422
    assert ">x</textarea>" in short.text.replace("\r\n", "")
    done = lead.send("POST", path, {"reason": "Their mailbox works again"})
    assert (done.status_code, done.location) == (303, "/admin/notifications#dead")
    with app.app_context():
        message = db.session.get_one(OutboxMessage, int(acme.message_id))
        assert (message.status, message.attempts) == (OutboxStatus.PENDING, 0)
        row = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.MESSAGE_RESENT)).one()
        assert (row.organization_id, row.reason) == (acme.organization_id, "Their mailbox works again")
    assert lead.send("GET", path).status_code == 404, "it was not given up any more"


def test_a_personal_message_can_be_sent_again_too(app: Flask, world: World, browse: Browse) -> None:
    with app.app_context():
        message_id = make_dead_letter(None, "person@nowhere.example")
    path = f"/admin/notifications/{message_id}/resend"
    assert browse("lead@portal.example").send("POST", path, {"reason": "Asked by phone"}).status_code == 303


def test_support_reads_what_was_given_up_and_sends_nothing(acme: Things, browse: Browse) -> None:
    support, path = browse("support@portal.example"), f"/admin/notifications/{acme.message_id}/resend"
    assert "gone@acme.example" in support.send("GET", "/admin/notifications").text
    assert "Send again" not in support.send("GET", "/admin/notifications").text
    assert support.send("GET", path).status_code == 403
    assert support.send("POST", path, {"reason": "Let me try"}).status_code == 403
