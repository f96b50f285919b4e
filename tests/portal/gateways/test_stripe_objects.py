"""What is made of Stripe's objects, where the stand-in cannot show it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gateways.stripe_objects.customers import card_snapshot, default_method
from portal.gateways.stripe_objects.invoices import invoice_snapshot, payment_intents
from portal.gateways.stripe_objects.plans import Lookups, SubscriptionSnapshot, subscription_snapshot
from portal.gateways.stripe_objects.previews import PreviewSnapshot, preview_snapshot
from portal.gateways.stripe_objects.prices import price_snapshot
from portal.kit.clock import moment
from tests.portal.gateways import samples
from tests.portal.gateways.samples import LAST, LATER, MONTH, Tree
from tests.support import stripe_spec

PRICES = {
    "price_seat": samples.price(),
    "price_proration": samples.price(),
    "price_year": samples.price("price_year", unit_amount=30_000, every={"interval": "year"}),
    "price_base": samples.price("price_base", metadata={}),
    "price_usage": samples.price("price_usage", usage="metered"),
}
LOOKUPS = Lookups(lambda product: f"The {product}", PRICES.__getitem__, lambda _id: COUPON)
COUPON: Tree = {
    "object": "coupon",
    "id": "co_1",
    "created": MONTH,
    "duration": "forever",
    "livemode": False,
    "percent_off": 20.0,
    "times_redeemed": 1,
    "valid": True,
}
SEPA: Tree = {
    "object": "payment_method",
    "id": "pm_2",
    "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
    "created": MONTH,
    "livemode": False,
    "type": "sepa_debit",
    "sepa_debit": {"last4": "3000", "bank_code": None, "branch_code": None, "country": "DE"}
    | {"fingerprint": None, "generated_from": None},
}
EVERY_SAMPLE = [
    *PRICES.values(),
    COUPON,
    SEPA,
    samples.subscription(),
    samples.schedule(samples.phase(MONTH, LATER)),
    samples.line(1, "extra"),
    samples.invoice(samples.line(1), total_taxes=[samples.tax(1)]),
    samples.payment("pi_1"),
]


def plan(**more: Any) -> SubscriptionSnapshot:
    return subscription_snapshot(samples.subscription(**more), LOOKUPS, more.get("discount"))


def preview(data: Tree) -> PreviewSnapshot:
    return preview_snapshot(data, data["lines"]["data"], PRICES.__getitem__)


@pytest.mark.parametrize("sample", EVERY_SAMPLE, ids=lambda sample: sample["object"])
def test_every_sample_is_as_stripe_describes_it(sample: Tree) -> None:
    stripe_spec.validate_object(sample, strict=True)


@pytest.mark.parametrize(
    ("cancel_at", "is_at_period_end"), [(LATER, True), (LAST, False)], ids=["at the end", "later"]
)
def test_an_end_that_was_planned_as_a_date_is_seen(cancel_at: int, is_at_period_end: bool) -> None:
    found = plan(cancel_at=cancel_at)
    assert (found.ends_at, found.cancel_at_period_end) == (moment(cancel_at), is_at_period_end)


def test_the_next_phase_of_a_schedule_is_a_held_change() -> None:
    phases = [
        samples.phase(LAST, LAST + 1, quantity=9),
        samples.phase(MONTH, LATER),
        samples.phase(LATER, LAST, "price_year", 3),
    ]
    held = plan(schedule=samples.schedule(*phases)).held
    assert held is not None
    assert (held.schedule_id, held.starts_at, held.seats) == ("sub_sched_1", moment(LATER), 3)
    assert (held.plan_name, held.amount_minor, held.interval) == ("The prod_pro", 90_000, "year")


@pytest.mark.parametrize(
    "value",
    [
        None,
        samples.schedule(samples.phase(MONTH, LATER)),
        samples.schedule(samples.phase(MONTH, LATER), samples.phase(LATER, LAST)),
        {**samples.schedule(samples.phase(LATER, LAST, quantity=1)), "current_phase": None},
    ],
    ids=["none", "last phase", "the same plan", "released"],
)
def test_nothing_is_held_where_the_plan_stays(value: Tree | None) -> None:
    assert plan(schedule=value).held is None


def test_the_customers_discount_counts_where_the_plan_has_none() -> None:
    general = {"source": {"type": "coupon", "coupon": "co_1"}, "end": LAST}
    own = {"source": {"type": "coupon", "coupon": {**COUPON, "percent_off": 5.0}}, "end": None}
    without_coupon = {"source": {"type": "coupon", "coupon": None}, "end": None}
    assert plan(discount=general).discount == f"20% off until {moment(LAST):%-d %b %Y}"
    assert plan(discount=general, discounts=[own]).discount == "5% off"
    assert plan(discounts=[without_coupon]).discount == ""


def test_another_way_to_pay_than_a_card_is_named_by_its_kind() -> None:
    card = card_snapshot(SEPA)
    assert (card.brand, card.last4, card.exp_month) == ("sepa_debit", "3000", None)
    assert default_method({"invoice_settings": {"default_payment_method": SEPA}}, []) == SEPA
    assert default_method({"invoice_settings": {"default_payment_method": "pm_2"}}, []) is None


TIERS = [
    {"up_to": 5, "unit_amount_decimal": "1000", "flat_amount_decimal": None},
    {"up_to": 10, "unit_amount_decimal": "800.5", "flat_amount_decimal": "50"},
    {"up_to": None, "unit_amount_decimal": "500", "flat_amount_decimal": None},
]
COSTS = {
    "graduated": {0: 0, 1: 1_000, 5: 5_000, 6: 5_851, 10: 9_053, 12: 10_053},
    "volume": {0: 0, 1: 1_000, 5: 5_000, 6: 4_853, 10: 8_055, 12: 6_000},
}


@pytest.mark.parametrize("mode", COSTS)
def test_tiers_are_counted_as_stripe_counts_them(mode: str) -> None:
    data = samples.price(billing_scheme="tiered", tiers_mode=mode, tiers=TIERS) | {
        "unit_amount": None,
        "unit_amount_decimal": None,
    }
    found = price_snapshot(data, str)
    assert {seats: found.cost_minor(seats) for seats in COSTS[mode]} == COSTS[mode]
    assert found.unit_minor is None


def test_what_depends_on_usage_or_packages_has_no_cost_beforehand() -> None:
    packed = samples.price(transform_quantity={"divide_by": 10, "round": "up"})
    for data in (PRICES["price_usage"], packed):
        found = price_snapshot(data, str)
        assert (found.cost_minor(3), found.unit_minor) == (None, None)
    fractions = price_snapshot(samples.price(unit_amount=None, unit_amount_decimal="0.5"), str)
    assert (fractions.cost_minor(3), fractions.unit_minor) == (2, None)


def test_each_part_of_a_charge_says_what_it_is_for() -> None:
    kinds = ("base", "seat", "usage", "proration", "extra")
    data = samples.invoice(*(samples.line(100, kind) for kind in kinds))
    data |= {
        "total_discount_amounts": [{"amount": 50, "discount": "di_1"}],
        "total_taxes": [samples.tax(90), samples.tax(7, "inclusive")],
        "total": 540,
        "starting_balance": -40,
        "amount_due": 500,
    }
    found = preview(data)
    assert [(part.kind, part.amount_minor) for part in found.parts] == [
        ("base", 100),
        ("seats", 100),
        ("usage", 100),
        ("proration", 100),
        ("other", 100),
        ("discount", -50),
        ("tax", 90),
        ("balance", -40),
    ], "what is in the prices already is no part of its own"


amounts = st.integers(-(10**6), 10**6)


@given(
    lines=st.lists(st.tuples(amounts, st.sampled_from(["base", "seat", "usage", "proration", "extra"]))),
    off=st.integers(0, 10**6),
    taxes=st.lists(st.tuples(amounts, st.sampled_from(["exclusive", "inclusive"]))),
    total=amounts,
    balance=amounts,
    due=st.integers(0, 10**6),
)
def test_the_parts_add_up_whatever_stripe_says(
    lines: list[tuple[int, str]], off: int, taxes: list[tuple[int, str]], total: int, balance: int, due: int
) -> None:
    data = samples.invoice(*(samples.line(amount, kind) for amount, kind in lines)) | {
        "total_discount_amounts": [{"amount": off, "discount": "di_1"}],
        "total_taxes": [samples.tax(amount, behavior) for amount, behavior in taxes],
        "total": total,
        "starting_balance": balance,
        "amount_due": due,
    }
    found = preview(data)
    assert sum(part.amount_minor for part in found.parts) == found.due_minor == due


def test_the_state_of_a_payment_is_the_default_ones_while_the_invoice_is_open() -> None:
    payments = samples.page(
        samples.payment({"id": "pi_old", "status": "canceled"}, is_default=False),
        samples.payment({"id": "pi_new", "status": "requires_action"}),
    )
    data = samples.invoice(status="open", payments=payments)
    assert payment_intents(data) == ["pi_new", "pi_old"]
    assert invoice_snapshot(data, []).payment_state == "requires_action"
    assert invoice_snapshot({**data, "status": "paid"}, []).payment_state == ""
    assert invoice_snapshot({**data, "payments": None}, []).payment_state == ""
