"""Previews of invoices: the change is made, its invoice is read, everything is taken back."""

from standins.stripe import forms
from standins.stripe.errors import ApiError, missing
from standins.stripe.forms import boolean, integer, list_of, natural, one_of, record, text
from standins.stripe.resources import (
    coupons,
    invoice_drafts,
    invoice_items,
    subscription_engine,
    subscriptions,
)
from standins.stripe.routes import Call
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_ITEM = record(
    {"id": text, "price": text, "quantity": natural, "deleted": boolean, "metadata": forms.metadata}
)
_DETAILS = record(
    {
        "cancel_at_period_end": boolean,
        "items": list_of(_ITEM),
        "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
        "proration_date": integer,
        "trial_end": forms.now_or_time,
        "billing_cycle_anchor": one_of("now", "unchanged"),
    }
)
_EXTRA = record({"amount": integer, "currency": text, "description": text})
PREVIEW: dict[str, forms.Check] = {
    "currency": text,
    "customer": text,
    "discounts": coupons.DISCOUNTS,
    "invoice_items": list_of(_EXTRA),
    "subscription": text,
    "subscription_details": _DETAILS,
}


def create_preview(call: Call) -> Obj:
    """The next invoice of a subscription (or of the customer's), with the changes that are asked about.

    With `always_invoice` it is the invoice that the change would make at once. A customer without a
    subscription previews a new one from `subscription_details[items]`. Nothing is stored, no event is sent.
    """
    return preview(call.world, call.params)


def preview(world: World, params: Obj) -> Obj:
    """The preview as the API shows it. ApiError when there is nothing to come."""
    with world.store.trial():  # events and their deliveries are taken back too
        return _as_preview(world.render(_imagine(world, params)))


def due_now(world: World, subscription: Obj, change: Obj) -> int:
    """What an update would bring to be paid at once, in minor units; nothing of it is stored."""
    with world.store.trial():
        known = {row["id"] for row in world.store.all("invoice", subscription["customer"])}
        subscriptions.update(world, subscription["id"], change)
        made = [row for row in world.store.all("invoice", subscription["customer"]) if row["id"] not in known]
        return sum(row["amount_due"] for row in made)


def _imagine(world: World, params: Obj) -> Obj:
    details = dict(params.get("subscription_details", {}))
    if "discounts" in params:
        details["discounts"] = params["discounts"]
    subscription = _subscription(world, params)
    customer = subscription["customer"] if subscription else params.get("customer")
    if customer is None:
        raise missing("customer")
    for extra in params.get("invoice_items", []):
        currency = (
            extra.get("currency") or (subscription or {}).get("currency") or params.get("currency", "usd")
        )
        invoice_items.add(world, customer, extra["amount"], currency, extra.get("description", ""))
    if subscription is None:
        return _new_subscription(world, customer, details)
    known = {row["id"] for row in world.store.all("invoice", customer)}
    if details:
        subscriptions.update(world, subscription["id"], details)
    made = [row for row in world.store.all("invoice", customer) if row["id"] not in known]
    invoice = made[0] if made else _renewal(world, subscription["id"])
    if invoice is None:
        raise _none_upcoming(customer)
    return world.get("invoice", invoice["id"])


def _renewal(world: World, subscription: str) -> Obj | None:
    _, end = subscription_engine.period_of(world, subscription)
    with world.at(end):
        return subscription_engine.renew(world, subscription)


def _subscription(world: World, params: Obj) -> Obj | None:
    if "subscription" in params:
        return world.get("subscription", params["subscription"], "subscription")
    if "customer" not in params:
        raise missing("customer")
    rows = world.store.all("subscription", world.get("customer", params["customer"], "customer")["id"])
    return next((row for row in rows if row["status"] in ("active", "trialing", "past_due")), None)


def _new_subscription(world: World, customer: str, details: Obj) -> Obj:
    if not details.get("items"):
        raise _none_upcoming(customer)
    params = {"customer": customer, "payment_behavior": "default_incomplete"}
    params |= {name: details[name] for name in ("items", "discounts") if name in details}
    made = subscriptions.create(world, params)
    return world.get("invoice", made["latest_invoice"])


def _none_upcoming(customer: str) -> ApiError:
    message = f"No upcoming invoices for customer: {customer}"
    return ApiError(message, status=404, code="invoice_upcoming_none")


def _as_preview(invoice: Obj) -> Obj:
    lines = [line | {"id": new_id("il_tmp")} for line in invoice["lines"]["data"]]
    ident = new_id("upcoming_in")
    return invoice | {
        "id": ident,
        "number": None,
        "status": "draft",
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "amount_paid": 0,
        "amount_remaining": invoice["amount_due"],
        "attempted": False,
        "attempt_count": 0,
        "next_payment_attempt": invoice["created"] + invoice_drafts.DRAFT_HOUR,
        "lines": invoice["lines"] | {"data": [line | {"invoice": ident} for line in lines]},
    }
