"""Subscriptions."""

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, not_found, wrong_state
from standins.stripe.forms import boolean, clearable, integer, list_of, natural, one_of, record, text
from standins.stripe.resources import (
    coupons,
    customers,
    invoice_engine,
    prorations,
    standing,
    subscription_changes,
    subscription_engine,
)
from standins.stripe.resources.subscription_blank import blank
from standins.stripe.routes import EXPAND, Call, Route, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World

_DETAILS = record(
    {
        "comment": clearable(text),
        "feedback": one_of(
            "customer_service",
            "low_quality",
            "missing_features",
            "other",
            "switched_service",
            "too_complex",
            "too_expensive",
            "unused",
            "",
        ),
    }
)
_SHARED: dict[str, forms.Check] = {
    "cancel_at_period_end": boolean,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "days_until_due": natural,
    "default_payment_method": clearable(text),
    "description": clearable(text),
    "discounts": coupons.DISCOUNTS,
    "metadata": forms.metadata,
    "off_session": boolean,
    "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
}
_ITEM: dict[str, forms.Check] = {"price": text, "quantity": natural, "metadata": forms.metadata}
_CREATE = _SHARED | {
    "currency": text,
    "customer": text,
    "items": list_of(record(_ITEM, ("price",))),
    "payment_behavior": one_of("allow_incomplete", "default_incomplete", "error_if_incomplete"),
    "trial_end": integer,
    "trial_period_days": natural,
}
UPDATE = _SHARED | {
    "billing_cycle_anchor": one_of("now", "unchanged"),
    "cancellation_details": _DETAILS,
    "items": list_of(record({**_ITEM, "id": text, "deleted": boolean})),
    "payment_behavior": one_of("allow_incomplete", "error_if_incomplete"),
    "proration_date": integer,
    "trial_end": forms.now_or_time,
}
_CANCEL: dict[str, forms.Check] = {
    "cancellation_details": _DETAILS,
    "expand": EXPAND,
    "invoice_now": boolean,
    "prorate": boolean,
}


def create(world: World, params: Obj) -> Obj:
    """Starts a subscription and bills its first period at once.

    A declined card leaves it `incomplete`, or is a 402 with `payment_behavior=error_if_incomplete`; without
    a card it is a 400, unless the first payment is left to later with `default_incomplete`.
    """
    customer = world.get("customer", params["customer"], "customer")
    if not params["items"]:
        raise missing("items")
    first = world.get("price", params["items"][0]["price"], "items[0][price]")
    subscription = blank(world, customer, params, str(params.get("currency", first["currency"])).lower())
    _check_terms(subscription)
    world.create(subscription, parent=customer["id"])
    start = subscription["created"]
    for index, entry in enumerate(params["items"]):
        subscription_changes.new_item(world, subscription, entry, start, start + 1, f"items[{index}]")
    end = subscription["trial_end"] or subscription_engine.next_end(world, subscription, start)
    subscription_engine.set_period(world, subscription["id"], start, end)
    if params.get("default_payment_method"):
        card = params["default_payment_method"]
        subscription["default_payment_method"] = customers.own_card(world, customer["id"], card)
    if subscription["collection_method"] == "send_invoice" and subscription["status"] == "incomplete":
        subscription["status"] = "active"
    if params.get("cancel_at_period_end"):
        _cancel_later(world, subscription, True)
    coupons.give(world, subscription, params.get("discounts", []))
    world.store.update(subscription)
    world.emit("customer.subscription.created", world.render(subscription))
    _bill_first(world, subscription, params.get("payment_behavior", "allow_incomplete"))
    return world.get("subscription", subscription["id"])


def _check_terms(subscription: Obj) -> None:
    if subscription["collection_method"] == "send_invoice" and subscription["days_until_due"] is None:
        raise missing("days_until_due")


def _bill_first(world: World, subscription: Obj, behavior: str) -> None:
    invoice = subscription_engine.bill(world, subscription, "subscription_create", at_once=True)
    automatic = subscription["collection_method"] == "charge_automatically"
    if behavior == "default_incomplete" or invoice["status"] != "open" or not automatic:
        return
    if invoice_engine.card_for(world, invoice) is None:
        raise wrong_state(
            "This customer has no attached payment source or default payment method. Please consider adding a"
            " default payment method.",
            "resource_missing",
        )
    refusal = subscription_engine.charge_first(world, invoice)
    if refusal and behavior == "error_if_incomplete":
        refusal.keep = False
        raise refusal


def _cancel_later(world: World, subscription: Obj, wanted: bool) -> None:
    if subscription["schedule"]:
        raise wrong_state(
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, so its"
            " cancellation cannot be changed here."
        )
    now = world.now(subscription["customer"])
    _, end = subscription_engine.period_of(world, subscription["id"])
    reason = {"reason": "cancellation_requested" if wanted else None}
    subscription |= {
        "cancel_at_period_end": wanted,
        "cancel_at": end if wanted else None,
        "canceled_at": now if wanted else None,
        "cancellation_details": subscription["cancellation_details"] | reason,
    }


def update(world: World, ident: str, params: Obj) -> Obj:
    """Changes a subscription as the API and the customer's page do; gives it as stored."""
    found = world.get("subscription", ident)
    if found["status"] in standing.OVER and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise wrong_state("A canceled subscription can only update its cancellation_details and metadata.")
    at = params.get("proration_date", world.now(found["customer"]))
    behavior = params.get("proration_behavior", "create_prorations")
    restarted = False
    with world.changing("subscription", ident, "customer.subscription.updated") as subscription:
        _apply(world, subscription, params)
        trialing = subscription["status"] == "trialing"
        if "items" in params:
            prorate = behavior != "none" and not trialing
            restarted = subscription_changes.change_items(
                world, subscription, params["items"], prorate=prorate, at=at
            )
        if (restarted or params.get("billing_cycle_anchor") == "now") and not trialing:
            subscription_changes.restart_period(world, subscription, world.now(found["customer"]))
            restarted = True
    if restarted:
        invoice = subscription_engine.bill(world, subscription, "subscription_update", at_once=True)
    elif behavior == "always_invoice" and "items" in params:
        invoice = subscription_changes.invoice_prorations(world, subscription) or {}
    else:
        invoice = {}
    _collect(world, invoice, params.get("payment_behavior", "allow_incomplete"))
    return world.get("subscription", ident)


def _collect(world: World, invoice: Obj, behavior: str) -> None:
    refusal = subscription_engine.charge_first(world, invoice) if invoice else None
    if refusal and behavior == "error_if_incomplete":
        refusal.keep = False
        raise refusal


def _apply(world: World, subscription: Obj, params: Obj) -> None:
    for name in ("collection_method", "days_until_due", "description"):
        subscription[name] = params.get(name, subscription[name])
    _check_terms(subscription)
    if "discounts" in params:
        coupons.give(world, subscription, params["discounts"])
    subscription["metadata"] = forms.merged(subscription["metadata"], params.get("metadata", {}))
    if "default_payment_method" in params:
        card = params["default_payment_method"]
        own = customers.own_card(world, subscription["customer"], card) if card else None
        subscription["default_payment_method"] = own
    if (
        "cancel_at_period_end" in params
        and params["cancel_at_period_end"] != subscription["cancel_at_period_end"]
    ):
        _cancel_later(world, subscription, params["cancel_at_period_end"])
    if "cancellation_details" in params:
        details = {name: value or None for name, value in params["cancellation_details"].items()}
        subscription["cancellation_details"] = subscription["cancellation_details"] | details
    if "trial_end" in params:
        _move_trial(world, subscription, params["trial_end"])


def _move_trial(world: World, subscription: Obj, trial_end: int | str) -> None:
    if subscription["status"] != "trialing":
        raise invalid("trial_end", "Only a trial that runs can be moved here.")
    end = world.now(subscription["customer"]) if trial_end == "now" else int(trial_end)
    start, _ = subscription_engine.period_of(world, subscription["id"])
    subscription |= {"trial_end": end, "billing_cycle_anchor": end}
    subscription_engine.set_period(world, subscription["id"], start, end)


def create_subscription(call: Call) -> Obj:
    """Starts a subscription."""
    return call.world.render(create(call.world, call.params))


def update_subscription(call: Call) -> Obj:
    """Changes a subscription."""
    return call.world.render(update(call.world, call.ids["subscription"], call.params))


def cancel_subscription(call: Call) -> Obj:
    """Ends a subscription now."""
    world, ident = call.world, call.ids["subscription"]
    subscription = world.get("subscription", ident)
    if subscription["status"] in standing.OVER:
        raise not_found("subscription", ident)
    if call.params.get("prorate"):
        now = world.now(subscription["customer"])
        for item in subscription_engine.items_of(world, ident):
            prorations.credit_unused(world, subscription, item, now)
    if call.params.get("invoice_now"):
        subscription_changes.invoice_prorations(world, subscription)
    details = call.params.get("cancellation_details", {})
    return world.render(subscription_engine.end(world, ident, **details))


def list_subscriptions(call: Call) -> Obj:
    """Subscriptions; without `status` those that are not over."""
    wanted = call.params.get("status")
    rows = call.world.store.all("subscription", call.params.get("customer"))
    rows = [row for row in rows if matches(row, call.params, ("collection_method", "test_clock"))]
    if wanted == "ended":
        rows = [row for row in rows if row["status"] in standing.OVER]
    elif wanted is None:
        rows = [row for row in rows if row["status"] not in standing.OVER]
    elif wanted != "all":
        rows = [row for row in rows if row["status"] == wanted]
    return paginate(call, rows)


_STATUS = one_of(
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
)
_ONE = "/v1/subscriptions/{subscription}"
ROUTES = [
    Route("POST", "/v1/subscriptions", create_subscription, _CREATE, ("customer", "items")),
    Route(
        "GET",
        "/v1/subscriptions",
        list_subscriptions,
        {
            **forms.LIST,
            "customer": text,
            "status": _STATUS,
            "collection_method": text,
            "test_clock": text,
            "created": forms.time_range,
        },
    ),
    Route("GET", _ONE, retrieve("subscription", "subscription")),
    Route("POST", _ONE, update_subscription, UPDATE),
    Route("DELETE", _ONE, cancel_subscription, _CANCEL),
]
