"""Plans at Stripe: discounts, held changes, prices, previews, and taking back what is planned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.gateways.stripe_api import StripeGateway
from portal.gateways.stripe_objects import SubscriptionSnapshot
from portal.kit.clock import utcnow
from tests.support import stripe_spec
from tests.support.stripe_customers import NewCustomer, hold_change
from tests.support.stripe_standin import StripeStandin

Plans = dict[str, str]


def plan_of(gateway: StripeGateway, customer_id: str) -> SubscriptionSnapshot:
    (plan,) = gateway.customer(customer_id).subscriptions
    return plan


def test_a_planned_end_is_seen_and_taken_back_once(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=2)
    before = plan_of(real, customer_id)
    standin.client().v1.subscriptions.update(before.id, {"cancel_at_period_end": True})
    planned = plan_of(real, customer_id)
    assert (planned.cancel_at_period_end, planned.ends_at) == (True, before.period_ends_at)
    standin.clear_requests()
    for _ in range(2):
        real.keep_subscription(before.id, idempotency_key="keep-1")
    assert plan_of(real, customer_id) == before
    keys = [request["idempotency_key"] for request in standin.requests() if request["method"] == "POST"]
    assert keys == ["keep-1"], "with nothing planned there is nothing to write"


def test_an_end_that_was_planned_as_a_date_is_taken_back_as_one(
    real: StripeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    ending = {"cancel_at_period_end": False, "cancel_at": 1_800_000_000}
    monkeypatch.setattr(real, "_get", lambda *_args, **_named: ending)
    monkeypatch.setattr(real, "_post", lambda path, values, *, key: written.append((path, values, key)))
    real.keep_subscription("sub_1", idempotency_key="keep-2")
    ((path, values, key),) = written
    assert (values, key) == ({"cancel_at": ""}, "keep-2")
    stripe_spec.validate_request("POST", path, values)


def test_a_held_downgrade_is_seen_and_taken_back(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer, plans: Plans, configuration: str
) -> None:
    customer_id = new_customer(seat=3)
    before = plan_of(real, customer_id)
    hold_change(standin, configuration, customer_id, plans["small"])
    held = plan_of(real, customer_id).held
    assert held is not None
    assert (held.plan_name, held.seats, held.amount_minor, held.interval) == ("Starter", 3, 3_000, "month")
    assert held.starts_at == before.period_ends_at
    real.release_schedule(held.schedule_id, idempotency_key="release-1")
    assert plan_of(real, customer_id) == before


def test_a_discount_is_said_in_words(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    coupons = standin.client().v1.coupons
    off = [
        coupons.create({"percent_off": 12.5, "duration": "forever"}).id,
        coupons.create(
            {"amount_off": 500, "currency": "usd", "duration": "repeating", "duration_in_months": 3}
        ).id,
    ]
    customer_id = new_customer(seat=2, discounts=[{"coupon": coupon} for coupon in off])
    words = plan_of(real, customer_id).discount
    assert words.startswith("12.5% off, $5.00 off until ")
    assert words.endswith((str(utcnow().year), str(utcnow().year + 1)))


def test_a_trial_is_told_with_its_end(real: StripeGateway, new_customer: NewCustomer) -> None:
    plan = plan_of(real, new_customer(seat=2, trial_period_days=10))
    assert plan.status == "trialing"
    assert plan.trial_ends_at is not None
    assert timedelta(days=9) < plan.trial_ends_at - utcnow() < timedelta(days=11)


def test_prices_on_sale_are_listed_with_what_seats_cost(
    real: StripeGateway, standin: StripeStandin, plans: Plans
) -> None:
    found = {price.id: price for price in real.prices([plans["pro"], plans["starter"]])}
    assert set(found) >= {plans["base"], plans["seat"], plans["year"], plans["small"]}
    year = found[plans["year"]]
    assert (year.plan_name, year.interval, year.unit_minor, year.is_per_seat) == ("Pro", "year", 30_000, True)
    assert (year.cost_minor(4), found[plans["base"]].is_per_seat) == (120_000, False)
    asked = len(standin.requests())
    real.prices([plans["pro"]])
    assert len(standin.requests()) == asked, "kept for ten minutes"


def test_the_next_charge_is_taken_apart(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    coupon = standin.client().v1.coupons.create({"percent_off": 10, "duration": "forever"}).id
    customer_id = new_customer(base=1, seat=5, discounts=[{"coupon": coupon}])
    plan = plan_of(real, customer_id)
    standin.client().v1.customers.update(customer_id, {"balance": -1_000})
    found = real.preview_next(customer_id, plan.id)
    assert found is not None
    parts = {part.kind: (part.quantity, part.unit_minor, part.amount_minor) for part in found.parts}
    assert parts == {
        "base": (1, 900, 900),
        "seats": (5, 3_000, 15_000),
        "discount": (None, None, -1_590),
        "balance": (None, None, -1_000),
    }
    assert (found.subtotal_minor, found.total_minor, found.due_minor) == (15_900, 14_310, 13_310)
    assert found.charged_at is not None
    assert plan.period_ends_at is not None
    assert timedelta() <= found.charged_at - plan.period_ends_at <= timedelta(hours=2)


def test_nothing_is_upcoming_for_a_plan_that_ends(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=1)
    plan = plan_of(real, customer_id)
    standin.client().v1.subscriptions.update(plan.id, {"cancel_at_period_end": True})
    assert real.preview_next(customer_id, plan.id) is None


@pytest.mark.parametrize("proration", ["always_invoice", "create_prorations"])
def test_a_switch_is_previewed_and_nothing_is_changed(
    real: StripeGateway, new_customer: NewCustomer, plans: Plans, proration: Any
) -> None:
    customer_id = new_customer(seat=2)
    plan = plan_of(real, customer_id)
    assert plan.item_id is not None
    moment = datetime.now(UTC).replace(microsecond=0)
    found = real.preview_switch(
        customer_id, plan.id, plan.item_id, plans["seat"], 6, proration_at=moment, proration=proration
    )
    assert sum(part.amount_minor for part in found.parts) == found.due_minor
    assert "proration" in {part.kind for part in found.parts}
    has_regular = any(part.kind == "seats" for part in found.parts)
    assert has_regular == (proration == "create_prorations"), "at once, or with the next regular charge"
    assert found.proration_at == moment
    assert plan_of(real, customer_id) == plan
