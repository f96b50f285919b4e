"""Plans to switch between: prices at the double of Stripe, and the class's configuration that offers them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.extensions import db
from portal.gateways.stripe_objects import (
    HeldChange,
    PreviewPart,
    PreviewSnapshot,
    PriceSnapshot,
    SubscriptionSnapshot,
)
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import Feature
from tests.fakes import SUBSCRIPTION, FakeStripe

STARTS = datetime(2027, 1, 1, tzinfo=UTC)
PRO = replace(SUBSCRIPTION, amount_minor=10_000, item_id="si_1", price_id="price_pro", product_id="prod_pro")
"""Five seats for 20 dollars each a month."""
HELD = HeldChange("sub_sched_1", "Starter", 5, 5_000, "month", 1, STARTS)


def price(price_id: str, product: str, unit: int, interval: str = "month", **more: Any) -> PriceSnapshot:
    """A price for each seat."""
    values = {"unit_minor": unit, "is_per_seat": True, "unit": Decimal(unit), **more}
    name = product.removeprefix("prod_").title()
    return PriceSnapshot(price_id, product, name, "usd", interval, 1, **values)


PRICES = [
    price("price_pro", "prod_pro", 2_000),
    price("price_pro_year", "prod_pro", 20_000, "year"),
    price("price_team", "prod_team", 4_000),
    price("price_starter", "prod_starter", 1_000),
    replace(price("price_euro", "prod_team", 3_600), currency="eur"),
]
SEATS = {"enabled": True, "minimum": 1, "maximum": 50}
PRODUCTS = [
    {"product": "prod_pro", "prices": ["price_pro", "price_pro_year"], "adjustable_quantity": SEATS},
    {"product": "prod_team", "prices": ["price_team", "price_euro"], "adjustable_quantity": SEATS},
    {"product": "prod_starter", "prices": ["price_starter"], "adjustable_quantity": {"enabled": False}},
]
UPDATE = {
    "enabled": True,
    "products": PRODUCTS,
    "proration_behavior": "create_prorations",
    "schedule_at_period_end": {
        "conditions": [{"type": "decreasing_item_amount"}, {"type": "shortening_interval"}]
    },
}


def charge(due: int) -> PreviewSnapshot:
    """A charge of two parts that has not been made."""
    parts = (
        PreviewPart("seats", "5 seats of Team", 5, 4_000, 20_000),
        PreviewPart("proration", "Unused time on Pro", None, None, due - 20_000),
    )
    return PreviewSnapshot("usd", parts, due, due, due, STARTS)


def offer_plans(stripe: FakeStripe, plan: SubscriptionSnapshot = PRO, **update: Any) -> None:
    """Acme has `plan`, and its class may switch; committed. `update` overrides the portal's rules for switches."""
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
    stripe.price_list = PRICES
    stripe.switches = {
        "price_team": charge(25_000),
        "price_pro_year": charge(95_000),
        "price_pro": charge(12_000),
    }
    features: dict[str, Any] = {feature.value: {"enabled": True} for feature in Feature}
    values = {"features": {**features, "subscription_update": {**UPDATE, **update}}}
    db.session.add(StripeConfiguration(stripe_id="bpc_ours", livemode=False, values=values))
    db.session.commit()
