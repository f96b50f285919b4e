"""Changes to billing are told of, made here or at Stripe; what was there before us is not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from portal.billing.service import change_details
from portal.billing.sync import sync_customer, sync_everything, sync_invoice
from portal.extensions import db
from portal.notifications.models import Channel, OutboxMessage
from tests.factories import World
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.portal.billing.conftest import invoice_snapshot

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def stripe(world: World, stripe: FakeStripe) -> FakeStripe:
    """Stripe with a customer that was read before."""
    sync_customer("cus_acme")
    return stripe


def told() -> list[tuple[str, dict[str, Any]]]:
    rows = db.session.scalars(
        db.select(OutboxMessage).where(OutboxMessage.channel == Channel.EVENT).order_by(OutboxMessage.id)
    )
    return [(row.topic, row.payload) for row in rows]


def acme_at(stripe: FakeStripe, **changes: Any) -> None:
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], **changes)
    sync_customer("cus_acme")


def subscribe(stripe: FakeStripe, **changes: Any) -> dict[str, Any] | None:
    before = len(told())
    acme_at(stripe, subscriptions=(replace(SUBSCRIPTION, **changes),))
    new = told()[before:]
    assert [topic for topic, _ in new] in ([], ["plan-changed"])
    return new[0][1] if new else None


def invoice(stripe: FakeStripe, **changes: Any) -> list[tuple[str, dict[str, Any]]]:
    before = len(told())
    stripe.known_invoices["in_1"] = invoice_snapshot(**changes)
    sync_invoice("cus_acme", "in_1")
    return told()[before:]


def test_the_first_reading_is_where_we_start_from(world: World, app: Flask) -> None:
    history: FakeStripe = app.extensions["portal"].stripe
    history.known_invoices["in_1"] = invoice_snapshot()
    history.customers["cus_acme"] = replace(history.customers["cus_acme"], email="other@acme.example")
    sync_everything("cus_acme")
    assert told() == []


def test_each_detail_changed_here_is_told_to_its_own(world: World) -> None:
    change_details(world.acme.actor(), "Acme GmbH", "new@acme.example")
    (first, mail), (second, details) = told()
    assert (first, second) == ("billing-email-changed", "billing-details-changed")
    assert (mail["before"], mail["after"]) == ("billing@acme.example", "new@acme.example")
    assert mail["addresses"] == ["billing@acme.example", "new@acme.example"]
    assert details["changes"] == [["Name", "Acme", "Acme GmbH"]]
    change_details(world.acme.actor(), "Acme GmbH", "newer@acme.example")
    assert [topic for topic, _ in told()][2:] == ["billing-email-changed"]


def test_details_changed_at_stripe_are_told_too(world: World, stripe: FakeStripe) -> None:
    acme_at(stripe, email="stripe@acme.example")
    ((topic, payload),) = told()
    assert (topic, payload["after"], payload["actor_kind"]) == (
        "billing-email-changed",
        "stripe@acme.example",
        "stripe",
    )


def test_a_card_is_told_when_it_changes_or_goes(world: World, stripe: FakeStripe) -> None:
    acme_at(stripe, card=replace(CARD, id="pm_2", brand="amex", last4="0005"))
    acme_at(stripe, card=None)
    acme_at(stripe, card=None)
    cards = [payload["card"] for topic, payload in told() if topic == "card-changed"]
    assert cards == ["Amex ending in 0005", None]
    assert ["Ends in", "4242", "0005"] in told()[0][1]["changes"]


def test_a_plan_is_told_with_what_differs(world: World, stripe: FakeStripe) -> None:
    changed = subscribe(stripe, seats=8, amount_minor=25_440)
    assert changed is not None
    assert (changed["kind"], changed["plan"], changed["ends_at"]) == ("changed", "Pro", None)
    assert changed["changes"] == [["Seats", "5", "8"], ["Price", "$159.00", "$254.40"]]


def test_a_plan_that_will_end_and_has_ended_says_so(world: World, stripe: FakeStripe) -> None:
    ending = subscribe(stripe, cancel_at_period_end=True)
    assert ending is not None
    assert (ending["kind"], ending["ends_at"]) == ("ending", ENDS.isoformat())
    kept = subscribe(stripe)
    assert kept is not None
    assert kept["kind"] == "changed"
    acme_at(stripe, subscriptions=())
    assert [payload["kind"] for _, payload in told()] == ["ending", "changed", "ended"]


def test_how_its_payment_stands_is_not_a_change_of_plan(world: World, stripe: FakeStripe) -> None:
    assert subscribe(stripe, status="past_due") is None
    assert subscribe(stripe, status="active") is None
    assert subscribe(stripe, period_ends_at=datetime(2027, 2, 1, tzinfo=UTC)) is None


def test_a_new_plan_is_told_when_its_first_payment_has_come(world: World, stripe: FakeStripe) -> None:
    acme_at(stripe, subscriptions=())
    new = {"id": "sub_2", "plan_name": "Team"}
    assert subscribe(stripe, **new, status="incomplete") is None
    started = subscribe(stripe, **new)
    assert started is not None
    assert (started["kind"], started["plan"], started["changes"]) == ("started", "Team", [])


def test_an_invoice_is_told_when_issued_failed_and_paid(world: World, stripe: FakeStripe) -> None:
    ((issued, first),) = invoice(stripe, due_at=ENDS)
    assert (issued, first["invoice"], first["amount_minor"], first["due_at"]) == (
        "invoice-issued",
        "S-1",
        11_900,
        ENDS.isoformat(),
    )
    assert invoice(stripe, due_at=ENDS) == []
    ((failed, payload),) = invoice(stripe, attempts=1, next_attempt_at=ENDS)
    assert (failed, payload["attempts"], payload["next_attempt_at"]) == (
        "payment-failed",
        1,
        ENDS.isoformat(),
    )
    assert invoice(stripe, attempts=1, next_attempt_at=ENDS) == []
    ((again, payload),) = invoice(stripe, attempts=2)
    assert (again, payload["next_attempt_at"]) == ("payment-failed", None)
    ((paid, payload),) = invoice(
        stripe, attempts=3, status="paid", paid_minor=11_900, due_minor=0, paid_at=ENDS
    )
    assert (paid, payload["amount_minor"], payload["paid_at"]) == ("invoice-paid", 11_900, ENDS.isoformat())


def test_an_invoice_paid_as_soon_as_issued_is_told_once(world: World, stripe: FakeStripe) -> None:
    ((topic, _),) = invoice(stripe, attempts=1, status="paid", paid_minor=11_900, due_minor=0, paid_at=ENDS)
    assert topic == "invoice-paid"


@pytest.mark.parametrize("status", ["void", "uncollectible", "draft"])
def test_an_invoice_nobody_has_to_pay_is_not_told(world: World, stripe: FakeStripe, status: str) -> None:
    assert invoice(stripe, status=status) == []


def test_a_failing_first_charge_is_told_besides_the_invoice(world: World, stripe: FakeStripe) -> None:
    assert [topic for topic, _ in invoice(stripe, attempts=1)] == ["invoice-issued", "payment-failed"]


def test_what_changed_while_everything_was_read_is_told_by_the_next_reading(
    world: World, stripe: FakeStripe
) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    sync_everything("cus_acme")
    assert [topic for topic, _ in told()] == ["invoice-issued"]
