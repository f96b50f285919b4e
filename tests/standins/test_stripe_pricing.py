"""Discounts and tiers: what they make of an invoice, and of its preview."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.support.stripe_standin import Judge, StripeStandin

START = 1_770_000_000
MONTH = {"interval": "month"}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def v1(standin: StripeStandin) -> Any:
    return standin.client(http_client=Judge(timeout=10)).v1


@pytest.fixture(scope="module")
def seat(v1: Any) -> str:
    data = {"currency": "usd", "unit_amount": 999, "recurring": MONTH, "product_data": {"name": "Pro"}}
    return str(v1.prices.create(data).id)


def owner(v1: Any, **more: Any) -> str:
    settings = {"default_payment_method": "pm_card_visa"}
    return str(
        v1.customers.create({"payment_method": "pm_card_visa", "invoice_settings": settings, **more}).id
    )


def renewals(v1: Any, coupon: dict[str, Any], price: str, count: int) -> list[Any]:
    """The first invoice of a plan with this discount and those of the next renewals, oldest first. What the
    preview says the next one will be is checked each time."""
    clock = v1.test_helpers.test_clocks.create({"frozen_time": START}).id
    discounts = [{"coupon": v1.coupons.create(coupon).id}]
    made = v1.subscriptions.create(
        {
            "customer": owner(v1, test_clock=clock),
            "items": [{"price": price, "quantity": 3}],
            "discounts": discounts,
        }
    )
    found = [v1.invoices.retrieve(made.latest_invoice)]
    for _ in range(count):
        preview = v1.invoices.create_preview({"subscription": made.id})
        now = v1.subscriptions.retrieve(made.id)
        at = now["items"].data[0].current_period_end + 2 * 3600
        v1.test_helpers.test_clocks.advance(clock, {"frozen_time": at})
        found.append(v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice))
        assert (preview.subtotal, preview.total) == (found[-1].subtotal, found[-1].total)
    return found


@pytest.mark.parametrize(
    ("coupon", "totals"),
    [
        ({"percent_off": 12.5, "duration": "forever"}, [2622, 2622, 2622]),  # 29.97 less 3.75, rounded up
        ({"percent_off": 50, "duration": "once"}, [1498, 2997, 2997]),
        (
            {"amount_off": 500, "currency": "usd", "duration": "repeating", "duration_in_months": 2},
            [2497, 2497, 2997],
        ),
        ({"amount_off": 5000, "currency": "usd", "duration": "once"}, [0, 2997, 2997]),
    ],
)
def test_discount_lowers_as_many_invoices_as_its_coupon_says(
    v1: Any, seat: str, coupon: dict[str, Any], totals: list[int]
) -> None:
    invoices = renewals(v1, coupon, seat, 2)
    assert [invoice.total for invoice in invoices] == totals
    for invoice in invoices:
        taken = sum(row.amount for row in invoice.total_discount_amounts)
        assert invoice.subtotal - taken == invoice.total == invoice.amount_due
        lines = [row.amount for line in invoice.lines.data for row in line.discount_amounts]
        assert sum(lines) == taken


def test_discount_of_the_preview_is_expanded_and_prorations_are_told_with_it(v1: Any, seat: str) -> None:
    clock = v1.test_helpers.test_clocks.create({"frozen_time": START}).id
    half = v1.coupons.create({"percent_off": 50, "duration": "forever", "name": "Half"}).id
    made = v1.subscriptions.create(
        {"customer": owner(v1, test_clock=clock), "items": [{"price": seat}], "discounts": [{"coupon": half}]}
    )
    item = made["items"].data[0]
    change = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}
    preview = v1.invoices.create_preview(
        {
            "subscription": made.id,
            "subscription_details": {**change, "proration_date": item.current_period_start},
            "expand": ["discounts.source.coupon"],
        }
    )
    assert preview.discounts[0].source.coupon.name == "Half"
    assert preview.total == 1498 - 499  # half of three seats less half of one


def test_coupon_that_makes_no_sense_is_refused(v1: Any) -> None:
    for wrong in (
        {"duration": "once"},
        {"percent_off": 10, "amount_off": 5, "currency": "usd"},
        {"amount_off": 5},
        {"percent_off": 101},
        {"percent_off": 10, "duration": "repeating"},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            v1.coupons.create(wrong)


GRADUATED = [
    {"up_to": 5, "unit_amount": 1000, "flat_amount": 2900},
    {"up_to": 10, "unit_amount": 800},
    {"up_to": "inf", "unit_amount": 500, "flat_amount": 100},
]


@pytest.mark.parametrize(
    ("mode", "seats", "total", "lines"),
    [
        ("graduated", 5, 5 * 1000 + 2900, 2),
        ("graduated", 6, 5 * 1000 + 2900 + 800, 3),
        ("graduated", 12, 5 * 1000 + 2900 + 5 * 800 + 2 * 500 + 100, 5),
        ("volume", 5, 5 * 1000 + 2900, 2),
        ("volume", 10, 10 * 800, 1),
        ("volume", 11, 11 * 500 + 100, 2),
    ],
)
def test_tiers(v1: Any, mode: str, seats: int, total: int, lines: int) -> None:
    data = {"billing_scheme": "tiered", "tiers_mode": mode, "tiers": GRADUATED, "currency": "usd"}
    price = v1.prices.create({**data, "recurring": MONTH, "product_data": {"name": "Team"}})
    assert (price.unit_amount, price.tiers_mode, "tiers" in price) == (None, mode, False)
    full = v1.prices.list({"product": price.product, "expand": ["data.tiers"]}).data[0]
    assert [tier.up_to for tier in full.tiers] == [5, 10, None]
    flat = v1.prices.create(
        {"currency": "usd", "unit_amount": 1, "product": price.product, "expand": ["tiers"]}
    )
    assert "tiers" not in flat
    plan = {"customer": owner(v1), "items": [{"price": price.id, "quantity": seats}]}
    bill = v1.invoices.retrieve(v1.subscriptions.create(plan).latest_invoice)
    assert (bill.total, len(bill.lines.data)) == (total, lines)
    assert all(line.pricing.price_details.price == price.id for line in bill.lines.data)


def test_tiers_that_leave_a_gap_are_refused(v1: Any) -> None:
    data = {"billing_scheme": "tiered", "tiers_mode": "volume", "currency": "usd", "recurring": MONTH}
    for tiers in ([], GRADUATED[:2], [GRADUATED[1], GRADUATED[0], GRADUATED[2]]):
        with pytest.raises(stripe.InvalidRequestError, match="iers"):
            v1.prices.create({**data, "tiers": tiers, "product_data": {"name": "Team"}})
