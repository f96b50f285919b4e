"""The plan that an organization has, what keeps it from being switched, and what it can be switched to."""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.billing.queries import ENDED
from portal.context import stripe
from portal.errors import ConflictError
from portal.extensions import release_connection
from portal.gateways.stripe_api import Proration
from portal.gateways.stripe_objects import PriceSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.kit.money import Money
from portal.stripe_portal.queries import SwitchableProduct, stored_configuration, switchable_products

SWITCHABLE_STATUSES = ("active", "trialing")


class NoPlanError(ConflictError):
    """There is no running subscription that could be changed."""

    def __init__(self) -> None:
        super().__init__("There is no plan that could be changed. Reload the page to see what is there now.")


class PlanNotSwitchableError(ConflictError):
    """Stripe's portal cannot switch this plan as it stands; the message says what to do instead."""

    title = "This plan cannot be changed right now"


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A price that the present plan can be switched to. `seats` is what it would be taken with, None without seats.

    `cost` is one period's, before tax and discounts; None where it depends on usage.
    """

    price: PriceSnapshot
    seats: int | None
    cost: Money | None
    is_present: bool
    product: SwitchableProduct

    def with_seats(self, seats: int) -> "PlanOffer":
        """The same price for another number of seats."""
        return make_offer(self.price, seats, self.product, is_present=self.is_present)


def current_plan(subscriptions: Iterable[SubscriptionSnapshot]) -> SubscriptionSnapshot | None:
    """The newest subscription that has not ended; it is the one that the pages speak of."""
    return max(running_plans(subscriptions), key=lambda item: item.created_at, default=None)


def running_plans(subscriptions: Iterable[SubscriptionSnapshot]) -> list[SubscriptionSnapshot]:
    """The subscriptions that have not ended."""
    return [item for item in subscriptions if item.status not in ENDED]


def check_switchable(plan: SubscriptionSnapshot) -> None:
    """Raises `PlanNotSwitchableError` where Stripe's portal would not let this plan be switched.

    It takes subscriptions of one item only, and none that a schedule changes (docs: customer portal, limitations).
    """
    if plan.item_count != 1:
        raise PlanNotSwitchableError(
            "Your plan has several parts, which cannot be switched here. Write to support to change it."
        )
    if plan.held is not None:
        raise PlanNotSwitchableError("A change is planned already. Take it back before you choose another.")
    if plan.ends_at is not None:
        raise PlanNotSwitchableError("Your plan is about to end. Keep it before you choose another.")
    if plan.status not in SWITCHABLE_STATUSES:
        raise PlanNotSwitchableError("A payment is open. Pay it before you change the plan.")


def plan_offers(organization: Organization, plan: SubscriptionSnapshot) -> list[PlanOffer]:
    """What the organization's class may switch to, in the order of the portal file; the present price among it.

    Only prices in the plan's currency: Stripe does not change a subscription's. Raises `StripeUnavailableError`.
    """
    products = switchable_products(organization)
    release_connection()
    if not products:
        return []
    found = {price.id: price for price in stripe().prices([product.product_id for product in products])}
    return [
        make_offer(price, plan.seats, product, is_present=price.id == plan.price_id)
        for product in products
        for price in (found.get(price_id) for price_id in product.price_ids)
        if price is not None and price.currency == plan.currency
    ]


def make_offer(
    price: PriceSnapshot, seats: int | None, product: SwitchableProduct, *, is_present: bool
) -> PlanOffer:
    """An offer for as many seats as now, within what the product allows."""
    taken = _within(seats or 1, product) if price.is_per_seat else None
    cost = price.cost_minor(taken or 1)
    return PlanOffer(
        price, taken, Money(cost, price.currency) if cost is not None else None, is_present, product
    )


@dataclass(frozen=True, slots=True)
class SwitchRules:
    """How Stripe's portal carries out a switch for one class of customer (`stripe_portal.toml`).

    `proration` is Stripe's `proration_behavior`; `held` holds the conditions under which a switch waits for the end
    of the period (`schedule_at_period_end`).
    """

    proration: Proration
    held: frozenset[str]


def switch_rules(organization: Organization) -> SwitchRules:
    """From the configuration of the organization's class as it was last written to Stripe."""
    row = stored_configuration(organization.customer_class)
    change = row.values["features"]["subscription_update"] if row and row.values else {}
    conditions = (change.get("schedule_at_period_end") or {}).get("conditions") or []
    return SwitchRules(
        change.get("proration_behavior") or "none", frozenset(item["type"] for item in conditions)
    )


def _within(seats: int, product: SwitchableProduct) -> int:
    if not product.has_adjustable_seats:
        return seats
    least = max(seats, product.minimum or 1)
    return min(least, product.maximum) if product.maximum else least
