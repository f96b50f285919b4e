"""Subscriptions: the plan, what is off, and the change that waits for the end of the period."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal.gateways.stripe_objects.kit import Tree, day, id_of, line, maybe_id
from portal.gateways.stripe_objects.prices import ProductName, is_per_seat
from portal.kit.clock import from_timestamp, moment
from portal.kit.money import Money


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a subscription names but does not carry: Stripe expands at most four levels."""

    product_name: ProductName
    price: Callable[[str], Tree]
    coupon: Callable[[str], Tree]


@dataclass(frozen=True, slots=True)
class HeldChange:
    """The next phase of a subscription schedule: what the plan becomes, and when. See `SubscriptionSnapshot`."""

    schedule_id: str
    plan_name: str
    seats: int | None
    amount_minor: int | None
    interval: str
    interval_count: int
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionSnapshot:
    """A subscription; `amount_minor` is the sum of its items for one period, before tax and discounts.

    It is None where a price depends on usage or tiers. `interval` repeats `interval_count` times in one period;
    `period_ends_at` is when it renews, or ends if `cancel_at_period_end`. `ends_at` is any planned end.
    Item, price and product are those of the first item; `discount` is in words, "" where there is none.
    """

    id: str
    status: str
    plan_name: str
    seats: int | None
    amount_minor: int | None
    currency: str
    interval: str
    interval_count: int
    period_ends_at: datetime | None
    cancel_at_period_end: bool
    created_at: datetime
    item_count: int = 1
    item_id: str | None = None
    price_id: str | None = None
    product_id: str | None = None
    latest_invoice_id: str | None = None
    trial_ends_at: datetime | None = None
    ends_at: datetime | None = None
    discount: str = ""
    held: HeldChange | None = None


def subscription_snapshot(data: Tree, lookups: Lookups, general: Tree | None = None) -> SubscriptionSnapshot:
    """From a subscription with discounts and schedule expanded. Seats are the quantity of the per-seat items.

    Since 2025-03-31 the period stands on the items, not on the subscription. `general` is the customer's own
    discount, which counts where the subscription has none (Stripe: `discounts`).
    """
    items = data["items"]["data"]
    first = _first(items)
    ends_at = from_timestamp(data.get("cancel_at"))
    if data["cancel_at_period_end"]:
        ends_at = first["period_ends_at"]
    discounts = [item for item in data.get("discounts") or [] if isinstance(item, dict)]
    return SubscriptionSnapshot(
        id=data["id"],
        status=data["status"],
        plan_name=_plan_name(first["product_id"], lookups),
        seats=_seats(items),
        amount_minor=_amount(items),
        currency=data["currency"],
        cancel_at_period_end=ends_at is not None and ends_at == first["period_ends_at"],
        created_at=moment(data["created"]),
        item_count=len(items),
        latest_invoice_id=maybe_id(data.get("latest_invoice")),
        trial_ends_at=from_timestamp(data.get("trial_end")) if data["status"] == "trialing" else None,
        ends_at=ends_at,
        discount=_discounts(discounts or ([general] if general else []), lookups),
        held=_held(data, lookups),
        **first,
    )


def _first(items: list[Tree]) -> Tree:
    """The values of a snapshot that are the first item's; a subscription may have none left."""
    item = items[0] if items else {"price": {}}
    recurring = item["price"].get("recurring") or {}
    return {
        "item_id": item.get("id"),
        "price_id": item["price"].get("id"),
        "product_id": maybe_id(item["price"].get("product")),
        "interval": recurring.get("interval", "month"),
        "interval_count": recurring.get("interval_count", 1),
        "period_ends_at": from_timestamp(item.get("current_period_end")),
    }


def _held(subscription: Tree, lookups: Lookups) -> HeldChange | None:
    """The next phase, if it is another plan than the present one: phases may differ in other ways."""
    schedule = subscription.get("schedule")
    current = schedule.get("current_phase") if isinstance(schedule, dict) else None
    if not isinstance(schedule, dict) or not current:
        return None
    coming = [phase for phase in schedule["phases"] if phase["start_date"] >= current["end_date"]]
    phase = min(coming, key=lambda item: item["start_date"], default=None)
    if phase is None or _parts(phase["items"]) == _parts(subscription["items"]["data"]):
        return None
    items = [{**item, "price": lookups.price(id_of(item["price"]))} for item in phase["items"]]
    first = _first(items)
    return HeldChange(
        schedule_id=schedule["id"],
        plan_name=_plan_name(first["product_id"], lookups),
        seats=_seats(items),
        amount_minor=_amount(items),
        interval=first["interval"],
        interval_count=first["interval_count"],
        starts_at=moment(phase["start_date"]),
    )


def _parts(items: list[Tree]) -> list[tuple[str, int]]:
    return sorted((id_of(item["price"]), item.get("quantity") or 0) for item in items)


def _plan_name(product: str | None, lookups: Lookups) -> str:
    return line(lookups.product_name(product) if product else "", 120) or "Plan"


def _seats(items: list[Tree]) -> int | None:
    per_seat = [item for item in items if is_per_seat(item["price"])]
    return sum(item.get("quantity") or 0 for item in per_seat) if per_seat else None


def _amount(items: list[Tree]) -> int | None:
    total = 0
    for item in items:
        unit, quantity = item["price"].get("unit_amount"), item.get("quantity")
        if unit is None or quantity is None:
            return None
        total += int(unit) * int(quantity)
    return total if items else None


def _discounts(discounts: list[Tree], lookups: Lookups) -> str:
    """What is off, in words such as "20% off until 1 Mar 2027"."""
    return line(", ".join(filter(None, (_discount(item, lookups) for item in discounts))), 300)


def _discount(discount: Tree, lookups: Lookups) -> str:
    source = discount["source"].get("coupon")
    if not source:
        return ""
    coupon = source if isinstance(source, dict) else lookups.coupon(source)
    if coupon.get("percent_off"):
        off = f"{coupon['percent_off']:g}%"
    else:
        off = Money(coupon["amount_off"], coupon["currency"]).format()
    until = from_timestamp(discount.get("end"))
    return f"{off} off until {day(until)}" if until else f"{off} off"
