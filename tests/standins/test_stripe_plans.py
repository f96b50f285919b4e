"""Switching a plan on the customer's page: what is offered, what it costs, what waits for the end of the period."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import html5lib
import pytest
import requests
import stripe

from tests.support.processes import http
from tests.support.stripe_standin import Judge, StripeStandin

DONE = "https://portal.example/done"
AFTER = {"type": "redirect", "redirect": {"return_url": DONE}}
HOLDS = [{"type": "decreasing_item_amount"}, {"type": "shortening_interval"}]


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def v1(standin: StripeStandin) -> Any:
    return standin.client(http_client=Judge(timeout=10)).v1


@dataclass
class Shop:
    """What is sold: a plan at 20.00 a seat and month or 200.00 a seat and year, and a smaller one at 10.00."""

    pro: str
    pro_yearly: str
    starter: str
    configuration: str


@pytest.fixture(scope="module")
def shop(v1: Any) -> Shop:
    def price(product: str, cents: int, interval: str) -> str:
        recurring = {"interval": interval}
        data = {"currency": "usd", "unit_amount": cents, "product": product, "recurring": recurring}
        return str(v1.prices.create(data).id)

    pro, starter = (v1.products.create({"name": name}).id for name in ("Pro", "Starter"))
    prices = price(pro, 2000, "month"), price(pro, 20000, "year"), price(starter, 1000, "month")
    change = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "proration_behavior": "always_invoice",
        "schedule_at_period_end": {"conditions": HOLDS},
        "products": [
            {
                "product": pro,
                "prices": prices[:2],
                "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 50},
            },
            {"product": starter, "prices": prices[2:]},
        ],
    }
    cancel = {"enabled": True, "cancellation_reason": {"enabled": True, "options": ["unused"]}}
    features = {"subscription_update": change, "subscription_cancel": cancel}
    return Shop(*prices, v1.billing_portal.configurations.create({"features": features}).id)


@pytest.fixture
def clock(v1: Any) -> str:
    return str(v1.test_helpers.test_clocks.create({"frozen_time": 1_770_000_000}).id)


@pytest.fixture
def plan(v1: Any, shop: Shop, clock: str) -> Any:
    """Three seats of Pro by the month, paid with a good card, on a clock of its own."""
    card = "pm_card_visa"
    settings = {"default_payment_method": card}
    owner = v1.customers.create({"payment_method": card, "invoice_settings": settings, "test_clock": clock})
    return v1.subscriptions.create({"customer": owner.id, "items": [{"price": shop.pro, "quantity": 3}]})


def own_item(plan: Any) -> Any:
    return plan["items"].data[0]


def open_session(v1: Any, shop: Shop, plan: Any, flow: dict[str, Any] | None = None) -> str:
    params = {"customer": plan.customer, "configuration": shop.configuration, "return_url": DONE}
    if flow:
        params["flow_data"] = {"after_completion": AFTER, **flow}
    return str(v1.billing_portal.sessions.create(params).url)


def confirming(plan: Any, **change: Any) -> dict[str, Any]:
    named = {"subscription": plan.id, "items": [{"id": own_item(plan).id, **change}]}
    return {"type": "subscription_update_confirm", "subscription_update_confirm": named}


def switch(v1: Any, shop: Shop, plan: Any, price: str, quantity: int = 3) -> requests.Response:
    """Opens the page that confirms the change and presses its button."""
    url = open_session(v1, shop, plan, confirming(plan, price=price, quantity=quantity))
    get(url)
    return post(f"{url}/subscriptions/{plan.id}/confirm", price=price, quantity=str(quantity))


def get(url: str, status: int = 200) -> str:
    answer = http().get(url, timeout=10)
    assert answer.status_code == status, answer.text
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer.text


def post(url: str, status: int = 303, **data: str) -> requests.Response:
    answer = http().post(url, data=data, timeout=10, allow_redirects=False)
    assert answer.status_code == status, answer.text
    return answer


def test_flow_offers_the_plans_of_the_configuration(v1: Any, shop: Shop, plan: Any) -> None:
    flow = {"type": "subscription_update", "subscription_update": {"subscription": plan.id}}
    url = open_session(v1, shop, plan, flow)
    page = get(url)
    for price in (shop.pro, shop.pro_yearly, shop.starter):
        assert f'value="{price}"' in page
    assert "There is nothing to update" in get(f"{url}/subscriptions/{plan.id}/confirm?price={shop.pro}", 422)
    confirm = f"{url}/subscriptions/{plan.id}/confirm"
    get(f"{confirm}?price={shop.pro}&quantity=5")
    answer = post(confirm, price=shop.pro, quantity="5")
    assert answer.headers["Location"] == DONE
    assert own_item(v1.subscriptions.retrieve(plan.id)).quantity == 5


def test_what_is_shown_as_due_is_what_the_preview_says_and_what_is_charged(
    v1: Any, shop: Shop, plan: Any, clock: str
) -> None:
    v1.test_helpers.test_clocks.advance(clock, {"frozen_time": 1_770_000_000 + 10 * 86_400})
    items = [{"id": own_item(plan).id, "price": shop.pro_yearly, "quantity": 3}]
    change = {"items": items, "proration_behavior": "always_invoice"}
    due = v1.invoices.create_preview({"subscription": plan.id, "subscription_details": change}).amount_due
    assert 0 < due < 60_000
    url = open_session(v1, shop, plan, confirming(plan, price=shop.pro_yearly))
    assert f"<dd>${due / 100:.2f}</dd>" in get(url)
    assert v1.subscriptions.retrieve(plan.id).latest_invoice == plan.latest_invoice
    switch(v1, shop, plan, shop.pro_yearly)
    after = v1.subscriptions.retrieve(plan.id, {"expand": ["latest_invoice"]})
    assert own_item(after).price.id == shop.pro_yearly
    assert (after.latest_invoice.amount_paid, after.latest_invoice.status) == (due, "paid")
    assert after.schedule is None


@pytest.mark.parametrize("smaller", ["starter", "fewer"])
def test_smaller_plan_is_held_until_the_period_ends(
    v1: Any, shop: Shop, plan: Any, clock: str, smaller: str
) -> None:
    wanted = (shop.starter, 3) if smaller == "starter" else (shop.pro, 2)
    assert "Until then your plan stays" in get(
        open_session(v1, shop, plan, confirming(plan, price=wanted[0], quantity=wanted[1]))
    )
    switch(v1, shop, plan, *wanted)
    held = v1.subscriptions.retrieve(plan.id, {"expand": ["schedule.phases.items.price"]})
    assert (own_item(held).price.id, own_item(held).quantity) == (shop.pro, 3)
    assert held.schedule.status == "active"
    later = held.schedule.phases[1]
    ends = own_item(held).current_period_end
    assert (later.start_date, later["items"][0].price.id, later["items"][0].quantity) == (ends, *wanted)
    v1.test_helpers.test_clocks.advance(clock, {"frozen_time": ends + 2 * 3600})
    now = v1.subscriptions.retrieve(plan.id, {"expand": ["latest_invoice"]})
    assert (own_item(now).price.id, own_item(now).quantity) == wanted
    assert now.latest_invoice.total == {"starter": 3 * 1000, "fewer": 2 * 2000}[smaller]
    v1.test_helpers.test_clocks.advance(clock, {"frozen_time": own_item(now).current_period_end + 1})
    assert v1.subscriptions.retrieve(plan.id).schedule is None
    over = v1.subscription_schedules.retrieve(held.schedule.id)
    assert (over.status, over.released_subscription) == ("released", plan.id)


def test_held_change_is_taken_back_by_the_api_and_on_the_page(v1: Any, shop: Shop, plan: Any) -> None:
    switch(v1, shop, plan, shop.starter)
    schedule = v1.subscriptions.retrieve(plan.id).schedule
    assert v1.subscription_schedules.list({"customer": plan.customer}).data[0].id == schedule
    v1.subscription_schedules.release(schedule)
    assert v1.subscriptions.retrieve(plan.id).schedule is None
    with pytest.raises(stripe.InvalidRequestError, match="released"):
        v1.subscription_schedules.release(schedule)
    switch(v1, shop, plan, shop.starter)
    url = open_session(v1, shop, plan)
    assert "Changes to Starter" in get(url)
    post(f"{url}/subscriptions/{plan.id}/release")
    assert v1.subscriptions.retrieve(plan.id).schedule is None
    kinds = {event.type for event in v1.events.list({"limit": 30}).data}  # judged too
    assert {"subscription_schedule.created", "subscription_schedule.released"} <= kinds


def test_cancellation_under_a_schedule(v1: Any, shop: Shop, plan: Any) -> None:
    switch(v1, shop, plan, shop.starter)
    schedule = v1.subscriptions.retrieve(plan.id).schedule
    with pytest.raises(stripe.InvalidRequestError, match=schedule):
        v1.subscriptions.update(plan.id, {"cancel_at_period_end": True})
    cancel = f"{open_session(v1, shop, plan)}/subscriptions/{plan.id}/cancel"
    post(cancel, feedback="unused", comment="Too quiet here")
    ended = v1.subscriptions.retrieve(plan.id)
    assert (ended.cancel_at_period_end, ended.schedule) == (True, None)
    assert (ended.cancellation_details.feedback, ended.cancellation_details.comment) == (
        "unused",
        "Too quiet here",
    )
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": plan.id}}
    with pytest.raises(stripe.InvalidRequestError, match="already"):
        open_session(v1, shop, plan, flow)


def test_cancelled_schedule_ends_its_subscription(v1: Any, shop: Shop, plan: Any) -> None:
    switch(v1, shop, plan, shop.starter)
    schedule = v1.subscriptions.retrieve(plan.id).schedule
    assert v1.subscription_schedules.cancel(schedule).status == "canceled"
    assert v1.subscriptions.retrieve(plan.id).status == "canceled"


def test_card_that_refuses_changes_nothing(v1: Any, shop: Shop, plan: Any) -> None:
    bad = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": plan.customer})
    v1.customers.update(plan.customer, {"invoice_settings": {"default_payment_method": bad.id}})
    newest = v1.events.list({"limit": 1}).data[0].id
    url = open_session(v1, shop, plan, confirming(plan, quantity=9))
    answer = post(f"{url}/subscriptions/{plan.id}/confirm", 402, quantity="9")
    assert "Your card was declined" in answer.text
    after = v1.subscriptions.retrieve(plan.id)
    assert (own_item(after).quantity, after.status) == (3, "active")
    assert [row.type for row in v1.events.list({"ending_before": newest}).data] == [
        "billing_portal.session.created"
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": "other"}, "does not offer the price"),
        ({"quantity": 51}, "does not allow the quantity"),
        ({"quantity": 3}, "nothing to update"),
        ({"price": "starter", "quantity": 4}, "does not allow the quantity"),
    ],
)
def test_change_that_the_configuration_does_not_offer_is_refused(
    v1: Any, shop: Shop, plan: Any, change: dict[str, Any], told: str
) -> None:
    if "price" in change:
        other = {"currency": "usd", "unit_amount": 1, "recurring": {"interval": "month"}}
        known = {"starter": shop.starter}
        price = known.get(change["price"]) or v1.prices.create({**other, "product_data": {"name": "x"}}).id
        change = {**change, "price": price}
    with pytest.raises(stripe.InvalidRequestError, match=told):
        open_session(v1, shop, plan, confirming(plan, **change))
    url = open_session(v1, shop, plan)
    form = {name: str(value) for name, value in change.items()}
    post(f"{url}/subscriptions/{plan.id}/confirm", 422, **form)


def test_plan_of_several_products_cannot_be_switched_here(v1: Any, shop: Shop, plan: Any) -> None:
    v1.subscription_items.create({"subscription": plan.id, "price": shop.starter})
    with pytest.raises(stripe.InvalidRequestError, match="several products"):
        open_session(v1, shop, plan, confirming(plan, price=shop.pro_yearly))
    url = open_session(v1, shop, plan)
    assert "Update subscription" not in get(url)
    assert "Cancel subscription" in get(url)
    for page in ("confirm", "release"):
        post(f"{url}/subscriptions/{plan.id}/{page}", 403, price=shop.pro_yearly)


def test_products_of_a_configuration_come_only_when_they_are_asked_for(v1: Any, shop: Shop) -> None:
    path = "features.subscription_update.products"
    bare = v1.billing_portal.configurations.retrieve(shop.configuration)
    assert "products" not in bare.features.subscription_update
    full = v1.billing_portal.configurations.retrieve(shop.configuration, {"expand": [path]})
    assert len(full.features.subscription_update.products) == 2
    listed = v1.billing_portal.configurations.list({"expand": [f"data.{path}"]}).data
    assert any("products" in row.features.subscription_update for row in listed)
    one = [
        {"product": row.product, "prices": row.prices} for row in full.features.subscription_update.products
    ]
    newest = v1.events.list({"limit": 1}).data[0].id
    v1.billing_portal.configurations.update(
        shop.configuration, {"features": {"subscription_update": {"products": one[:1]}}}
    )
    for _ in range(2):
        v1.billing_portal.configurations.update(
            shop.configuration, {"features": {"subscription_update": {"products": one}}}
        )
    told = v1.events.list({"ending_before": newest}).data
    assert [event.type for event in told] == ["billing_portal.configuration.updated"] * 2
