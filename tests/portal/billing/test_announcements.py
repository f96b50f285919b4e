"""Changes to billing are told of, made here or at Stripe; what was there before us is not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from portal.billing.switching import keep_plan, release_held_change
from portal.company.service import change_company, change_delivery
from portal.extensions import db
from portal.notifications.models import Channel, OutboxMessage
from portal.stripe_mirror.sync import sync_customer, sync_everything
from portal.stripe_portal.visits import Click
from tests.factories import World
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.portal.stripe_portal.offers import HELD, offer_plans
from tests.support.stripe_events import invoice_snapshot, sync_invoice

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
    change_delivery(world.acme.actor(), "new@acme.example", "", [])
    change_company(world.acme.actor(), "Acme GmbH", None)
    (first, mail), (second, details) = told()
    assert (first, second) == ("billing-email-changed", "billing-details-changed")
    assert (mail["before"], mail["after"]) == ("billing@acme.example", "new@acme.example")
    assert mail["addresses"] == ["billing@acme.example", "new@acme.example"]
    assert details["changes"] == [["Legal name", "Acme", "Acme GmbH"]]
    change_delivery(world.acme.actor(), "newer@acme.example", "", [])
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
    assert (kept["kind"], kept["changes"], kept["actor_kind"]) == ("kept", [], "stripe")
    acme_at(stripe, subscriptions=())
    assert [payload["kind"] for _, payload in told()] == ["ending", "kept", "ended"]


def test_what_is_planned_is_told_with_its_day_and_what_comes_true_is_a_change(
    world: World, stripe: FakeStripe
) -> None:
    planned = subscribe(stripe, held=HELD)
    assert planned is not None
    assert [planned[name] for name in ("kind", "changes", "next_plan", "next_seats", "next_at")] == [
        "planned",
        [],
        "Starter",
        5,
        ENDS.isoformat(),
    ]
    released = subscribe(stripe)
    assert released is not None
    assert (released["kind"], released["changes"]) == ("released", [])
    subscribe(stripe, held=HELD)
    came_true = subscribe(stripe, plan_name="Starter", amount_minor=5_000)
    assert came_true is not None
    assert came_true["kind"] == "changed"
    assert ["Plan", "Pro", "Starter"] in came_true["changes"]


TAKEN_BACK: list[tuple[Callable[..., None], dict[str, Any], str]] = [
    (keep_plan, {"ends_at": ENDS, "cancel_at_period_end": True}, "kept"),
    (release_held_change, {"held": HELD}, "released"),
]


@pytest.mark.parametrize(("verb", "planned", "kind"), TAKEN_BACK)
def test_who_takes_back_here_is_named_and_stripe_where_it_was_done_there(
    world: World, stripe: FakeStripe, verb: Callable[..., None], planned: dict[str, Any], kind: str
) -> None:
    offer_plans(stripe, SUBSCRIPTION)
    actor = world.acme.actor()
    for by in (actor, None):
        subscribe(stripe, **planned)
        if by:
            verb(by, Click("c" * 22, "en"))
            db.session.commit()
        told_of = subscribe(stripe)
        assert told_of is not None
        who = (by.id, by.name, "user") if by else (None, "Stripe", "stripe")
        assert told_of["kind"] == kind
        assert (told_of["actor_id"], told_of["actor"], told_of["actor_kind"]) == who


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


def test_a_failing_first_charge_is_told_instead_of_the_invoice(world: World, stripe: FakeStripe) -> None:
    assert [topic for topic, _ in invoice(stripe, attempts=1)] == ["payment-failed"]


@pytest.mark.parametrize(
    ("plan", "payment", "state"),
    [
        ("past_due", "", "past_due"),
        ("unpaid", "requires_payment_method", "unpaid"),
        ("past_due", "requires_action", "requires_action"),
        ("active", "", ""),
    ],
)
def test_a_failed_payment_says_what_is_wrong(
    world: World, stripe: FakeStripe, plan: str, payment: str, state: str
) -> None:
    subscribe(stripe, status=plan)
    ((_, failed),) = invoice(stripe, attempts=4, payment_state=payment, subscription_id="sub_1")
    assert failed["payment_state"] == state


def test_what_changed_while_everything_was_read_is_told_by_the_next_reading(
    world: World, stripe: FakeStripe
) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    sync_everything("cus_acme")
    assert [topic for topic, _ in told()] == ["invoice-issued"]
