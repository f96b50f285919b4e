"""Changing the items of a running subscription: quantities, prices, added and removed items."""

from standins.stripe.errors import invalid, not_found
from standins.stripe.resources import invoice_drafts, invoice_items, prorations, subscription_engine
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id


def new_item(world: World, subscription: Obj, entry: Obj, start: int, end: int, param: str = "items") -> Obj:
    """Stores an item; its price must be recurring, active and in the subscription's currency."""
    price = world.get("price", entry.get("price", ""), f"{param}[price]")
    check_price(subscription, price, param)
    item: Obj = {
        "id": new_id("si", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": entry.get("metadata", {}),
        "price": price["id"],
        "quantity": entry.get("quantity", 1),
        "subscription": subscription["id"],
        "tax_rates": [],
    }
    return world.create(item, parent=subscription["id"])


def check_price(subscription: Obj, price: Obj, param: str) -> None:
    """ApiError for a price that cannot be subscribed to here."""
    if price["type"] != "recurring":
        raise invalid(f"{param}[price]", "The price specified is set to `type=one_time`.")
    if not price["active"]:
        raise invalid(f"{param}[price]", "The price specified is inactive.")
    if price["currency"] != subscription["currency"]:
        raise invalid(f"{param}[price]", "All prices must have the subscription's currency.")


def change_items(world: World, subscription: Obj, entries: list[Obj], *, prorate: bool, at: int) -> bool:
    """Applies `items` of an update; gives whether the billing interval changed, which begins a new period."""
    before = {item["id"]: item for item in subscription_engine.items_of(world, subscription["id"])}
    interval = next(iter(before.values()))["price"]["recurring"]
    for index, entry in enumerate(entries):
        _change_one(world, subscription, entry, before, f"items[{index}]")
    after = {item["id"]: item for item in subscription_engine.items_of(world, subscription["id"])}
    if not after:
        raise invalid("items", "A subscription must have at least one active item.")
    moved = any(item["price"]["recurring"] != interval for item in after.values())
    for ident in [*before, *(ident for ident in after if ident not in before)]:
        old, new = before.get(ident), after.get(ident)
        same = old and new and (old["price"]["id"], old["quantity"]) == (new["price"]["id"], new["quantity"])
        if same and not moved:
            continue
        if old and prorate:
            prorations.credit_unused(world, subscription, old, at)
        if new and prorate and not moved:
            prorations.charge_remaining(world, subscription, new, at)
    return moved


def _change_one(world: World, subscription: Obj, entry: Obj, known: dict[str, Obj], param: str) -> None:
    if "id" not in entry:
        start, end = subscription_engine.period_of(world, subscription["id"])
        new_item(world, subscription, entry, start, end, param)
        return
    if entry["id"] not in known:
        raise not_found("subscription_item", entry["id"], f"{param}[id]", 400)
    item = world.get("subscription_item", entry["id"])
    if entry.get("deleted"):
        world.store.remove(item["id"])
        return
    if "price" in entry:
        price = world.get("price", entry["price"], f"{param}[price]")
        check_price(subscription, price, param)
        item["price"] = price["id"]
    item["quantity"] = entry.get("quantity", item["quantity"])
    item["metadata"] = item["metadata"] | entry.get("metadata", {})
    world.store.update(item)


def restart_period(world: World, subscription: Obj, now: int) -> None:
    """Begins a new billing period now."""
    subscription["billing_cycle_anchor"] = now
    end = subscription_engine.next_end(world, subscription, now)
    subscription_engine.set_period(world, subscription["id"], now, end)


def invoice_prorations(world: World, subscription: Obj) -> Obj | None:
    """Bills pending items of the subscription at once; None when there are none."""
    reason, currency = "subscription_update", subscription["currency"]
    invoice = invoice_drafts.draft(world, subscription["customer"], reason, currency, subscription)
    invoice_items.take_up(world, invoice, subscription=subscription["id"], others=False)
    if not world.store.children("line_item", invoice["id"]):
        world.store.remove(invoice["id"])
        return None
    return subscription_engine.publish(world, subscription, invoice, at_once=True)
