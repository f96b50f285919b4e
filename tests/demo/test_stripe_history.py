"""What the demo makes at Stripe: a plan that Stripe's portal can switch, by requests that Stripe takes."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo.story import SEAT_CHANGES
from demo.stripe_history import StripeHistory
from portal.kit.clock import utcnow
from portal.stripe_portal.file import read_portal_file
from tests.conftest import make_settings
from tests.support import stripe_spec
from tests.support.stripe_standin import SECRET_KEY, StripeStandin


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def settings(standin: StripeStandin) -> Any:
    return make_settings("sqlite:///x", stripe_secret_key=SECRET_KEY, stripe_api_base=standin.url)


def offered() -> set[str]:
    """The keys by which the portal file names what customers can switch to."""
    products = read_portal_file().classes["standard"].features.subscription_update.products
    return {key for product in products for key in product.lookup_keys}


def test_history_ends_with_a_plan_of_one_item_that_can_be_switched(
    standin: StripeStandin, settings: Any
) -> None:
    customers = [StripeHistory(settings, utcnow()).live("billing@acme.example") for _ in range(2)]
    for request in standin.requests():
        stripe_spec.validate_request(request["method"], request["path"], request["pairs"])
    v1 = standin.client().v1
    for customer in customers:
        plan = v1.subscriptions.list({"customer": customer}).data[0]
        items = plan["items"].data
        assert (plan.status, len(items), items[0].quantity) == ("active", 1, SEAT_CHANGES[-1].seats)
        assert v1.products.retrieve(str(items[0].price.product)).name == "Pro"
    prices = v1.prices.list({"active": True, "limit": 100}).data
    assert offered() <= {price.lookup_key for price in prices}
    on_sale = {price.lookup_key: price.id for price in prices if price.lookup_key}
    assert items[0].price.id == on_sale["pro-monthly"]  # the keys went to the newer demo
