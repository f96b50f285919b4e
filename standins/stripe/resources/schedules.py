"""Subscription schedules: a change that is held until the period ends. The customer's page makes them."""

from standins.stripe import forms
from standins.stripe.errors import wrong_state
from standins.stripe.forms import boolean, text
from standins.stripe.periods import shifted
from standins.stripe.resources import subscription_engine
from standins.stripe.routes import Call, Route, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_KIND = "subscription_schedule"
_SETTINGS: Obj = {
    "application_fee_percent": None,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_cycle_anchor": "automatic",
    "billing_thresholds": None,
    "collection_method": "charge_automatically",
    "default_payment_method": None,
    "description": None,
    "invoice_settings": {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}},
    "on_behalf_of": None,
    "transfer_data": None,
}
_BLANK: Obj = {
    "object": _KIND,
    "application": None,
    "canceled_at": None,
    "completed_at": None,
    "default_settings": _SETTINGS,
    "end_behavior": "release",
    "livemode": False,
    "metadata": {},
    "released_at": None,
    "released_subscription": None,
    "status": "active",
}
_PHASE: Obj = {
    "add_invoice_items": [],
    "application_fee_percent": None,
    "billing_cycle_anchor": None,
    "billing_thresholds": None,
    "collection_method": None,
    "default_payment_method": None,
    "default_tax_rates": [],
    "description": None,
    "discounts": [],
    "invoice_settings": None,
    "metadata": {},
    "on_behalf_of": None,
    "transfer_data": None,
    "trial_end": None,
}


def hold(world: World, subscription: Obj, price: Obj, quantity: int) -> Obj:
    """Holds a change of the subscription's one item until its period ends; an earlier one is let go."""
    if subscription["schedule"]:
        release(world, subscription["schedule"])
    ident, now = subscription["id"], world.now(subscription["customer"])
    start, end = subscription_engine.period_of(world, ident)
    item = subscription_engine.items_of(world, ident)[0]
    recurring = price["recurring"]
    last = shifted(end, recurring["interval"], recurring["interval_count"])
    schedule = _BLANK | {
        "id": new_id("sub_sched"),
        "billing_mode": subscription["billing_mode"],
        "created": now,
        "current_phase": {"start_date": start, "end_date": end},
        "customer": subscription["customer"],
        "phases": [
            _phase(subscription, item["price"], item["quantity"], start, end),
            _phase(subscription, price, quantity, end, last),
        ],
        "subscription": ident,
        "test_clock": subscription["test_clock"],
    }
    world.create(schedule, parent=subscription["customer"], event=f"{_KIND}.created")
    with world.changing("subscription", ident, "customer.subscription.updated") as stored:
        stored["schedule"] = schedule["id"]
    return schedule


def _phase(subscription: Obj, price: Obj, quantity: int, start: int, end: int) -> Obj:
    item = {"price": price["id"], "quantity": quantity, "billing_thresholds": None}
    return _PHASE | {
        "currency": subscription["currency"],
        "end_date": end,
        "items": [item | {"discounts": [], "metadata": {}, "tax_rates": []}],
        "proration_behavior": "none",
        "start_date": start,
    }


def release(world: World, ident: str) -> Obj:
    """Lets the subscription go on as it is, without what was held. ApiError when the schedule is over."""
    found = world.get(_KIND, ident)
    if found["status"] not in ("not_started", "active"):
        raise wrong_state(f"You cannot release a subscription schedule that is {found['status']}.")
    return subscription_engine.let_go(world, found)


def release_schedule(call: Call) -> Obj:
    """Releases a schedule."""
    return call.world.render(release(call.world, call.ids["schedule"]))


def cancel_schedule(call: Call) -> Obj:
    """Cancels a schedule together with its subscription, at once."""
    world, found = call.world, call.world.get(_KIND, call.ids["schedule"])
    if found["status"] not in ("not_started", "active"):
        raise wrong_state(f"You cannot cancel a subscription schedule that is {found['status']}.")
    subscription_engine.end(world, found["subscription"])
    return world.render(world.get(_KIND, found["id"]))


def list_schedules(call: Call) -> Obj:
    """Schedules by customer; with `scheduled` those that have not begun (none here)."""
    rows = call.world.store.all(_KIND, call.params.get("customer"))
    wanted = call.params.get("scheduled")
    rows = [row for row in rows if not wanted or row["status"] == "not_started"]
    return paginate(call, [row for row in rows if matches(row, call.params, ())])


_ALL = "/v1/subscription_schedules"
_ONE = _ALL + "/{schedule}"
ROUTES = [
    Route(
        "GET",
        _ALL,
        list_schedules,
        {**forms.LIST, "customer": text, "scheduled": boolean, "created": forms.time_range},
    ),
    Route("GET", _ONE, retrieve(_KIND, "schedule")),
    Route("POST", _ONE + "/release", release_schedule, {"preserve_cancel_date": boolean}),
    Route("POST", _ONE + "/cancel", cancel_schedule, {"invoice_now": boolean, "prorate": boolean}),
]
