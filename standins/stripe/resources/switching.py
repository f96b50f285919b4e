"""What the customer's page may switch a plan to, and how the switch is made.

https://docs.stripe.com/customer-management/configure-portal
"""

from standins.stripe.errors import invalid
from standins.stripe.resources import pricing, schedules, standing, subscription_engine, subscriptions
from standins.stripe.store import Obj
from standins.stripe.world import World

_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def settings_of(configuration: Obj) -> Obj:
    """The settings for switching of a configuration."""
    found: Obj = configuration["features"]["subscription_update"]
    return found


def why_not(world: World, configuration: Obj, subscription: Obj) -> str | None:
    """Why this subscription cannot be switched on the page; None when it can."""
    items = subscription_engine.items_of(world, subscription["id"])
    if subscription["status"] in standing.OVER:
        return "The subscription is canceled."
    if len(items) != 1:
        return "The subscription has several products, so it cannot be updated in the portal."
    if subscription["collection_method"] == "send_invoice":
        return "The subscription is paid by invoice, so it cannot be updated in the portal."
    if not settings_of(configuration).get("products"):
        return "The configuration names no products to update to."
    return None


def offered(world: World, configuration: Obj, subscription: Obj) -> list[tuple[Obj, list[Obj]]]:
    """Products with the prices that can be chosen: those of the configuration in the plan's currency."""
    found = []
    for entry in settings_of(configuration).get("products", []):
        prices = [world.get("price", ident) for ident in entry["prices"]]
        prices = [row for row in prices if row["active"] and row["currency"] == subscription["currency"]]
        found.append((world.get("product", entry["product"]), prices))
    return found


def quantity_range(configuration: Obj, price: Obj) -> tuple[int, int | None] | None:
    """How few and how many of a price can be chosen; None when the quantity stays as it is."""
    settings = settings_of(configuration)
    for entry in settings.get("products", []):
        if price["id"] in entry["prices"] and "quantity" in settings["default_allowed_updates"]:
            adjustable = entry["adjustable_quantity"]
            return (adjustable["minimum"], adjustable["maximum"]) if adjustable["enabled"] else None
    return None


def check_items(world: World, configuration: Obj, subscription: Obj, items: list[Obj], param: str) -> None:
    """ApiError for items that the page could not confirm."""
    own = subscription_engine.items_of(world, subscription["id"])[0]
    if len(items) != 1 or items[0]["id"] != own["id"]:
        raise invalid(param, "The items must be the subscription's one item.")
    price, quantity = wanted(own, items[0])
    check(world, configuration, subscription, price, quantity, f"{param}[0]")


def wanted(own: Obj, entry: Obj) -> tuple[str, int]:
    """Price and quantity after a change; what is not named stays."""
    both = {"price": own["price"]["id"], "quantity": own["quantity"]} | entry
    return both["price"], both["quantity"]


def check(
    world: World, configuration: Obj, subscription: Obj, price: str, quantity: int, param: str
) -> tuple[Obj, int]:
    """The price, whole, and the quantity. ApiError for a choice that the configuration does not offer."""
    own = subscription_engine.items_of(world, subscription["id"])[0]
    allowed = settings_of(configuration)["default_allowed_updates"]
    if (price, quantity) == (own["price"]["id"], own["quantity"]):
        raise invalid(param, "There is nothing to update: price and quantity are those of the subscription.")
    known = {row["id"]: row for _, prices in offered(world, configuration, subscription) for row in prices}
    if price not in known or (price != own["price"]["id"] and "price" not in allowed):
        raise invalid(f"{param}[price]", f"The configuration does not offer the price {price}.")
    if quantity != own["quantity"]:
        span = quantity_range(configuration, known[price])
        if span is None or quantity < span[0] or (span[1] is not None and quantity > span[1]):
            raise invalid(f"{param}[quantity]", f"The configuration does not allow the quantity {quantity}.")
    return known[price], quantity


def is_held(world: World, configuration: Obj, subscription: Obj, price: Obj, quantity: int) -> bool:
    """Whether the change waits for the end of the period, by the conditions of the configuration."""
    own = subscription_engine.items_of(world, subscription["id"])[0]
    old, new = own["price"]["recurring"], price["recurring"]
    before, after = (_DAYS[row["interval"]] * row["interval_count"] for row in (old, new))
    less = pricing.cost(price, quantity) < pricing.cost(own["price"], own["quantity"])
    true_ones = {"decreasing_item_amount": before == after and less, "shortening_interval": after < before}
    conditions = settings_of(configuration)["schedule_at_period_end"]["conditions"]
    return any(true_ones[row["type"]] for row in conditions)


def apply(world: World, configuration: Obj, subscription: Obj, price: Obj, quantity: int) -> None:
    """Switches now, as the configuration says, or holds the switch. ApiError 402 when the card refuses; then
    nothing has changed."""
    ident = subscription["id"]
    if is_held(world, configuration, subscription, price, quantity):
        schedules.hold(world, subscription, price, quantity)
        return
    if subscription["schedule"]:
        schedules.release(world, subscription["schedule"])
    subscriptions.update(world, ident, update_params(world, configuration, subscription, price, quantity))


def update_params(world: World, configuration: Obj, subscription: Obj, price: Obj, quantity: int) -> Obj:
    """The update of the subscription that a switch is."""
    settings = settings_of(configuration)
    own = subscription_engine.items_of(world, subscription["id"])[0]
    params: Obj = {
        "items": [{"id": own["id"], "price": price["id"], "quantity": quantity}],
        "proration_behavior": settings["proration_behavior"],
        "payment_behavior": "error_if_incomplete",
    }
    if settings["billing_cycle_anchor"] == "now":
        params["billing_cycle_anchor"] = "now"
    if subscription["status"] == "trialing" and settings["trial_update_behavior"] == "end_trial":
        params["trial_end"] = "now"
    return params
