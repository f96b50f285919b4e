"""Discounts of subscriptions: which ones run, and what they take off an invoice."""

from standins.stripe.amounts import share
from standins.stripe.errors import not_found
from standins.stripe.periods import shifted
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id


def start(world: World, subscription: Obj, coupon: Obj) -> str:
    """Gives a subscription a discount from now on; its id."""
    now = world.now(subscription["customer"])
    months = coupon["duration_in_months"]
    discount: Obj = {
        "id": new_id("di"),
        "object": "discount",
        "checkout_session": None,
        "customer": subscription["customer"],
        "end": shifted(now, "month", months) if coupon["duration"] == "repeating" else None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": now,
        "subscription": subscription["id"],
        "subscription_item": None,
    }
    with world.changing("coupon", coupon["id"], "coupon.updated") as stored:
        stored["times_redeemed"] += 1
    world.create(discount, parent=subscription["id"], event="customer.discount.created")
    return str(discount["id"])


def stop(world: World, ident: str) -> None:
    """Tells that a discount has ended; invoices that name it still find it."""
    world.emit("customer.discount.deleted", world.render(world.get("discount", ident)))


def running(world: World, subscription: Obj) -> list[str]:
    """The discounts that count for an invoice that is made now."""
    now = world.now(subscription["customer"])
    found = [world.get("discount", ident) for ident in subscription["discounts"]]
    return [row["id"] for row in found if row["end"] is None or row["end"] > now]


def spend(world: World, subscription: Obj) -> None:
    """Takes the discounts away that end with the invoice that was made just now, or by now."""
    left = [
        ident
        for ident in running(world, subscription)
        if _coupon(world, world.get("discount", ident))["duration"] != "once"
    ]
    for ident in subscription["discounts"]:
        if ident not in left:
            stop(world, ident)
    subscription["discounts"] = left


def net(world: World, subscription: Obj, amount: int) -> int:
    """An amount after the running discounts by percent: prorations are told with them taken off."""
    for ident in running(world, subscription):
        amount -= _percent_of(_coupon(world, world.get("discount", ident)), amount)
    return amount


def lower_lines(world: World, invoice: Obj) -> list[Obj]:
    """Notes on each line what the invoice's discounts take off; gives the sum of each discount."""
    if not invoice["discounts"]:
        return []
    lines = world.store.children("line_item", invoice["id"])
    left = {line["id"]: line["amount"] if line["discountable"] else 0 for line in lines}
    given: dict[str, list[Obj]] = {line["id"]: [] for line in lines}
    for ident in invoice["discounts"]:
        coupon = _coupon(world, world.get("discount", ident))
        rest = coupon["amount_off"] or 0
        for line in lines:
            off = _percent_of(coupon, left[line["id"]]) or min(rest, max(0, left[line["id"]]))
            rest -= off if coupon["amount_off"] else 0
            left[line["id"]] -= off
            given[line["id"]].append({"amount": off, "discount": ident})
    for line in lines:
        world.store.update(
            line | {"discount_amounts": [entry for entry in given[line["id"]] if entry["amount"]]}
        )
    return [
        {
            "amount": sum(
                entry["amount"] for row in given.values() for entry in row if entry["discount"] == ident
            )
        }
        | {"discount": ident}
        for ident in invoice["discounts"]
    ]


def _coupon(world: World, discount: Obj) -> Obj:
    ident = discount["source"]["coupon"]
    found = world.store.find(ident, "coupon")  # a deleted one stays in the store: discounts of it run on
    if found is None:
        raise not_found("coupon", ident)
    return found


def _percent_of(coupon: Obj, amount: int) -> int:
    return share(amount, round((coupon["percent_off"] or 0) * 100), 10_000)
