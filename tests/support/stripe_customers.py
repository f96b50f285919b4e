"""A Stripe stand-in with something to sell and customers who buy it; fixtures to import where they are needed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.processes import http
from tests.support.stripe_standin import StripeStandin

NewCustomer = Callable[..., str]


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    """The stand-in, a process of its own."""
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as process:
        yield process


@pytest.fixture(scope="session")
def plans(standin: StripeStandin) -> dict[str, str]:
    """What is sold: the price ids `base`, `seat`, `year` (of seats) and the product ids `pro`, `starter`."""
    api = standin.client().v1
    pro, starter = api.products.create({"name": "Pro"}).id, api.products.create({"name": "Starter"}).id

    def price(product: str, amount: int, interval: str, per: str) -> str:
        values: Any = {"product": product, "currency": "usd", "unit_amount": amount}
        values |= {"recurring": {"interval": interval}, "metadata": {"per": per}}
        return api.prices.create(values).id

    return {
        "pro": pro,
        "starter": starter,
        "base": price(pro, 900, "month", "plan"),
        "seat": price(pro, 3_000, "month", "seat"),
        "year": price(pro, 30_000, "year", "seat"),
        "small": price(starter, 1_000, "month", "seat"),
    }


@pytest.fixture(scope="session")
def new_customer(standin: StripeStandin, plans: dict[str, str]) -> NewCustomer:
    """Makes a customer with a card and a subscription: `new_customer(seat=5, base=1, discounts=[...])`."""

    def make(card: str = "pm_card_visa", name: str = "Acme", **wanted: Any) -> str:
        api = standin.client().v1
        customer = api.customers.create({"name": name, "email": "billing@acme.example"})
        method = api.payment_methods.attach(card, {"customer": customer.id})
        api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        items = [{"price": plans[kind], "quantity": wanted.pop(kind)} for kind in plans if kind in wanted]
        if items:
            values: Any = {"customer": customer.id, "items": items, **wanted}
            api.subscriptions.create(values)
        return customer.id

    return make


@pytest.fixture(scope="session")
def configuration(standin: StripeStandin, plans: dict[str, str]) -> str:
    """A configuration of the portal: cards, ending, and switching; what makes a plan cheaper waits for its end."""
    products = [
        {"product": plans["pro"], "prices": [plans["seat"], plans["year"]]},
        {"product": plans["starter"], "prices": [plans["small"]]},
    ]
    switching = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "proration_behavior": "always_invoice",
        "products": products,
        "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
    }
    enabled = {"enabled": True}
    features: Any = {"payment_method_update": enabled, "subscription_cancel": enabled}
    features |= {"subscription_update": switching}
    return standin.client().v1.billing_portal.configurations.create({"features": features}).id


def hold_change(standin: StripeStandin, configuration_id: str, customer_id: str, price: str) -> None:
    """Switches the customer's plan in the portal to a price that makes it cheaper: that waits for the period's end."""
    api = standin.client().v1
    plan = api.subscriptions.list({"customer": customer_id}).data[0]
    visit = api.billing_portal.sessions.create({"customer": customer_id, "configuration": configuration_id})
    quantity = str(plan["items"].data[0].quantity)
    address = f"{visit.url}/subscriptions/{plan.id}/confirm"
    answer = http().post(
        address, data={"price": price, "quantity": quantity}, timeout=10, allow_redirects=False
    )
    assert answer.status_code == 303, answer.text
