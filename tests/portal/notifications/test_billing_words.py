"""What mails about billing ask people to do is what helps, and names who did it."""

from typing import Any

import pytest
from flask import Flask

from portal.notifications.mails import write_mail
from portal.notifications.models import Channel, OutboxMessage
from tests.conftest import make_settings
from tests.portal.notifications.payloads import CREATED, days, payloads
from wsgi import create_app

ANOTHER_CARD = "Put a card that works"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """One for all: nothing here asks the database."""
    return create_app(make_settings(f"sqlite:///{tmp_path_factory.mktemp('words')}/none.sqlite"))


def mail(app: Flask, topic: str, **more: Any) -> tuple[str, str]:
    """Subject and text."""
    message = OutboxMessage(
        channel=Channel.MAIL,
        topic=topic,
        recipient="zoe@acme.example",
        organization_id="org_1",
        payload={**payloads(topic, "Ana Ruiz")[0], **more},
        message_key="msg_1",
        created_at=CREATED,
    )
    with app.app_context():
        written = write_mail(message)
    body = written.get_body(("plain",))
    assert body is not None
    return str(written["Subject"]), str(body.get_content())


@pytest.mark.parametrize(
    ("state", "next_at", "subject", "ask"),
    [
        ("past_due", days(3), "A payment of $1,240.00 for Acme failed", ANOTHER_CARD),
        ("requires_action", days(3), "Confirm a payment of $1,240.00 for Acme", "confirm the payment there"),
        ("requires_action", None, "Confirm a payment of $1,240.00 for Acme", "confirm the payment there"),
        (
            "unpaid",
            None,
            "A payment of $1,240.00 for Acme failed",
            "The plan is unpaid. Pay the invoice to keep it.",
        ),
        ("past_due", None, "A payment of $1,240.00 for Acme failed", "\nPay the invoice.\n"),
    ],
)
def test_a_failed_payment_asks_for_what_helps(
    app: Flask, state: str, next_at: str | None, subject: str, ask: str
) -> None:
    said, text = mail(app, "payment-failed", payment_state=state, next_attempt_at=next_at)
    assert said == subject
    assert ask in text
    assert (ANOTHER_CARD in text) == (ask == ANOTHER_CARD), "a card helps only before another try"


@pytest.mark.parametrize(
    ("more", "subject"),
    [
        ({}, "Ana Ruiz changed the billing details of Acme: Name and more"),
        ({"is_actor": True}, "You changed the billing details of Acme: Name and more"),
        (
            {"lines": [["Tax ID removed", "DE1"]], "changes": []},
            "Ana Ruiz changed the billing details of Acme: Tax ID removed, DE1",
        ),
        (
            {"actor_kind": "stripe", "changes": [["City", "A", "B"]]},
            "Stripe changed the billing details of Acme: City",
        ),
        ({"actor_kind": "system"}, "A tax ID of Acme is not valid"),
    ],
)
def test_changed_details_say_who_and_what_in_one_line(app: Flask, more: dict[str, Any], subject: str) -> None:
    assert mail(app, "billing-details-changed", **more)[0] == subject


def test_a_number_is_told_as_added_and_not_as_a_change_from_none(app: Flask) -> None:
    _, text = mail(app, "billing-details-changed", lines=[["Tax ID added", "DE136695976"]], changes=[])
    assert "\nTax ID added: DE136695976\n" in text
    assert "→" not in text


@pytest.mark.parametrize("topic", ["billing-details-changed", "billing-email-changed"])
def test_the_activity_page_is_named_only_where_it_knows_more(app: Flask, topic: str) -> None:
    hint = "The activity page says who did it."
    assert hint in mail(app, topic)[1]
    assert hint not in mail(app, topic, actor_kind="stripe")[1]


def test_what_is_taken_back_and_planned_is_said_with_who_and_when(app: Flask) -> None:
    kept, text = mail(app, "plan-changed", kind="kept", plan="Pro", changes=[])
    assert kept == "The plan Pro of Acme goes on"
    assert "Ana Ruiz took the planned end back." in text
    assert "\nBy: Ana Ruiz\n" in text
    at_stripe = mail(app, "plan-changed", kind="released", plan="Pro", changes=[], actor_kind="stripe")[1]
    assert "pages took the planned change back." in at_stripe
    next_plan = {"next_plan": "Starter", "next_seats": 3, "next_at": days(20)}
    planned, text = mail(app, "plan-changed", kind="planned", plan="Pro", changes=[], **next_plan)
    assert planned == "The plan Pro of Acme will change on December 13, 2026"
    assert "\nNext plan: Starter\nSeats of the next plan: 3\nFrom: December 13, 2026\n" in text


def test_messages_that_wait_since_an_older_version_are_still_written(app: Flask) -> None:
    for topic, new in (
        ("payment-failed", {"payment_state"}),
        ("plan-changed", {"next_plan", "next_seats", "next_at"}),
        ("billing-details-changed", {"lines"}),
    ):
        told = {name: value for name, value in payloads(topic, "Ana Ruiz")[0].items() if name not in new}
        message = OutboxMessage(
            channel=Channel.MAIL, topic=topic, recipient="z@a.example", payload=told, message_key="m"
        )
        message.created_at = CREATED
        with app.app_context():
            assert write_mail(message)["Subject"]
