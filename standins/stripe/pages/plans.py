"""The portal's pages about the plan: switch, confirm, cancel, keep, let a held switch go."""

from werkzeug.wrappers import Response

from standins.stripe.errors import ApiError
from standins.stripe.pages.view import see
from standins.stripe.pages.visit import Visit, refused, visit
from standins.stripe.resources import (
    previews,
    schedules,
    standing,
    subscription_engine,
    subscriptions,
    switching,
)
from standins.stripe.store import Obj

_KEPT_WORDS = 500


def own_plan(visit: Visit, plan: str, feature: str) -> Obj | None:
    """The customer's subscription, if it runs and the configuration switches the feature on."""
    found = visit.world.store.find(plan, "subscription")
    allowed = visit.allows(feature) and found and found["status"] not in standing.OVER
    return found if allowed and found and found["customer"] == visit.customer["id"] else None


def can_switch(visit: Visit, plan: Obj) -> bool:
    """Whether the page offers another plan for this one."""
    on = visit.allows("subscription_update")
    return on and switching.why_not(visit.world, visit.configuration, plan) is None


@visit
def update_form(visit: Visit, plan: str) -> Response:
    """The prices that can be chosen, and the quantity where it can be."""
    found = own_plan(visit, plan, "subscription_update")
    if found is None or not can_switch(visit, found):
        return refused()
    return _update_form(visit, found, None)


def _update_form(visit: Visit, plan: Obj, error: str | None) -> Response:
    item = subscription_engine.items_of(visit.world, plan["id"])[0]
    offers = switching.offered(visit.world, visit.configuration, plan)
    spans = [switching.quantity_range(visit.configuration, price) for _, prices in offers for price in prices]
    return visit.page(
        "update.html",
        422 if error else 200,
        plan=plan,
        item=item,
        offers=offers,
        has_quantity=any(spans),
        chosen=visit.request.args.get("price", item["price"]["id"]),
        quantity=visit.request.args.get("quantity", str(item["quantity"])),
        error=error,
    )


def show_confirmation(visit: Visit, plan: str, entry: Obj, error: str | None = None) -> Response:
    """What a change costs now and later, with the button that makes it."""
    found = own_plan(visit, plan, "subscription_update")
    if found is None or not can_switch(visit, found):
        return refused()
    item = subscription_engine.items_of(visit.world, plan)[0]
    try:
        price, quantity = _choice(visit, found, entry)
    except ApiError as refusal:
        return _update_form(visit, found, refusal.message)
    is_held = switching.is_held(visit.world, visit.configuration, found, price, quantity)
    return visit.page(
        "confirm.html",
        402 if error else 200,
        plan=found,
        item=item,
        product=visit.world.get("product", price["product"]),
        price=price,
        quantity=quantity,
        due=None if is_held else _due_now(visit, found, price, quantity),
        is_held=is_held,
        ends=subscription_engine.period_of(visit.world, plan)[1],
        error=error,
    )


def _choice(visit: Visit, plan: Obj, entry: Obj) -> tuple[Obj, int]:
    own = subscription_engine.items_of(visit.world, plan["id"])[0]
    price, quantity = switching.wanted(own, entry)
    return switching.check(visit.world, visit.configuration, plan, price, quantity, "items[0]")


def _due_now(visit: Visit, plan: Obj, price: Obj, quantity: int) -> int:
    """What would be charged at once, in minor units."""
    details = switching.update_params(visit.world, visit.configuration, plan, price, quantity)
    del details["payment_behavior"]
    return previews.due_now(visit.world, plan, details)


def _entry(values: dict[str, str]) -> Obj:
    entry: Obj = {"price": values["price"]} if values.get("price") else {}
    amount = values.get("quantity", "")
    return entry | ({"quantity": int(amount)} if amount.isdigit() else {})


@visit
def confirm_form(visit: Visit, plan: str) -> Response:
    """Asks whether to switch to the price and the quantity in the address."""
    return show_confirmation(visit, plan, _entry(visit.request.args.to_dict()))


@visit
def confirm(visit: Visit, plan: str) -> Response:
    """Switches, or holds the switch until the period ends. A card that refuses changes nothing."""
    found = own_plan(visit, plan, "subscription_update")
    if found is None or not can_switch(visit, found):
        return refused()
    entry, world = _entry(visit.request.form.to_dict()), visit.world
    try:
        with world.store.step():
            price, quantity = _choice(visit, found, entry)
            switching.apply(world, visit.configuration, found, price, quantity)
    except ApiError as error:
        return show_confirmation(visit, plan, entry, error.message)
    kind = (
        "subscription_update_confirm" if visit.flow("subscription_update_confirm") else "subscription_update"
    )
    return visit.done(kind, "Your subscription was updated.")


@visit
def release(visit: Visit, plan: str) -> Response:
    """Lets a held switch go: the plan stays as it is."""
    found = own_plan(visit, plan, "subscription_update")
    if found is None or not found["schedule"]:
        return refused()
    schedules.release(visit.world, found["schedule"])
    return see(visit.url)


@visit
def cancel_form(visit: Visit, plan: str) -> Response:
    """Asks whether to cancel, and why."""
    found = own_plan(visit, plan, "subscription_cancel")
    if found is None:
        return refused()
    at_end = visit.features["subscription_cancel"]["mode"] == "at_period_end"
    _, end = subscription_engine.period_of(visit.world, plan)
    reasons = visit.features["subscription_cancel"]["cancellation_reason"]
    return visit.page("cancel.html", plan=found, end=end, at_end=at_end, reasons=reasons)


@visit
def cancel(visit: Visit, plan: str) -> Response:
    """Cancels now or at the end of the period, as the configuration says. A held switch goes with it."""
    found = own_plan(visit, plan, "subscription_cancel")
    if found is None:
        return refused()
    settings, world = visit.features["subscription_cancel"], visit.world
    details = _reasons(visit, settings["cancellation_reason"])
    if settings["mode"] == "immediately":
        subscription_engine.end(world, plan, **details)
    else:
        if found["schedule"]:
            schedules.release(world, found["schedule"])
        subscriptions.update(world, plan, {"cancel_at_period_end": True, "cancellation_details": details})
    return visit.done("subscription_cancel", "Your subscription was canceled.")


def _reasons(visit: Visit, settings: Obj) -> Obj:
    if not settings["enabled"]:
        return {}
    form = visit.request.form
    feedback, comment = form.get("feedback"), form.get("comment", "").strip()[:_KEPT_WORDS]
    details = {"feedback": feedback} if feedback in settings["options"] else {}
    return details | ({"comment": comment} if comment else {})


@visit
def keep(visit: Visit, plan: str) -> Response:
    """Takes a cancellation at the end of the period back."""
    if own_plan(visit, plan, "subscription_cancel") is None:
        return refused()
    subscriptions.update(visit.world, plan, {"cancel_at_period_end": False})
    return see(visit.url)
