"""Prorations: what an item's change in the middle of a period costs or gives back."""

from standins.stripe.amounts import TIMES, share
from standins.stripe.periods import day
from standins.stripe.resources import discount_engine, invoice_items, pricing
from standins.stripe.store import Obj
from standins.stripe.world import World


def credit_unused(world: World, subscription: Obj, item: Obj, at: int) -> None:
    """A pending item that gives back the rest of the period. `item` has its whole price."""
    _add(world, subscription, item, at, "Unused time on", -1)


def charge_remaining(world: World, subscription: Obj, item: Obj, at: int) -> None:
    """A pending item that charges the rest of the period."""
    _add(world, subscription, item, at, "Remaining time on", 1)


def _add(world: World, subscription: Obj, item: Obj, at: int, words: str, sign: int) -> None:
    start, end = item["current_period_start"], item["current_period_end"]
    at = min(max(at, start), end)
    price, quantity = item["price"], item["quantity"]
    full = discount_engine.net(world, subscription, pricing.cost(price, quantity))
    name = world.get("product", price["product"])["name"]
    counted = f"{quantity} {TIMES} {name}" if quantity != 1 else name
    invoice_items.add(
        world,
        subscription["customer"],
        sign * share(full, end - at, end - start),
        price["currency"],
        f"{words} {counted} after {day(at)}",
        subscription=subscription["id"],
        subscription_item=item["id"],
        price=price,
        quantity=quantity,
        period={"start": at, "end": end},
        proration=True,
    )
