"""Objects as Stripe sends them, for what the stand-in does not do. Tests hold each to Stripe's description."""

from typing import Any

Tree = dict[str, Any]
MONTH, LATER, LAST = 1_790_000_000, 1_800_000_000, 1_830_000_000


def page(*data: Tree, has_more: bool = False) -> Tree:
    """A list."""
    return {"object": "list", "data": list(data), "has_more": has_more, "url": "/v1/things"}


def price(ident: str = "price_seat", **more: Any) -> Tree:
    """30.00 dollars a seat and month."""
    recurring = {"interval": "month", "interval_count": 1, "usage_type": more.pop("usage", "licensed")}
    return {
        "object": "price",
        "id": ident,
        "active": True,
        "billing_scheme": "per_unit",
        "created": MONTH,
        "currency": "usd",
        "livemode": False,
        "metadata": {"per": "seat"},
        "product": "prod_pro",
        "recurring": {**recurring, **more.pop("every", {})},
        "type": "recurring",
        "unit_amount": 3_000,
        "unit_amount_decimal": "3000",
        **more,
    }


def item(quantity: int = 5, of: Tree | None = None) -> Tree:
    """An item of a subscription."""
    return {
        "object": "subscription_item",
        "id": "si_1",
        "created": MONTH,
        "current_period_start": MONTH,
        "current_period_end": LATER,
        "discounts": [],
        "metadata": {},
        "price": of or price(),
        "quantity": quantity,
        "subscription": "sub_1",
    }


def subscription(**more: Any) -> Tree:
    """Five seats by the month."""
    return {
        "object": "subscription",
        "id": "sub_1",
        "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None},
        "billing_cycle_anchor": MONTH,
        "billing_mode": {"type": "flexible"},
        "billing_schedules": [],
        "cancel_at": None,
        "cancel_at_period_end": False,
        "collection_method": "charge_automatically",
        "created": MONTH,
        "currency": "usd",
        "customer": "cus_1",
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": page(item()),
        "livemode": False,
        "metadata": {},
        "start_date": MONTH,
        "status": "active",
        "trial_end": None,
        **more,
    }


def phase(start: int, end: int, of: str = "price_seat", quantity: int = 5) -> Tree:
    """A phase of a schedule."""
    return {
        "add_invoice_items": [],
        "currency": "usd",
        "discounts": [],
        "items": [{"discounts": [], "price": of, "quantity": quantity}],
        "proration_behavior": "none",
        "start_date": start,
        "end_date": end,
    }


def schedule(*phases: Tree) -> Tree:
    """A schedule in its first phase."""
    defaults = {"account_tax_ids": None, "days_until_due": None, "issuer": {"type": "self"}}
    return {
        "object": "subscription_schedule",
        "id": "sub_sched_1",
        "billing_mode": {"type": "flexible"},
        "created": MONTH,
        "current_phase": {"start_date": MONTH, "end_date": LATER},
        "customer": "cus_1",
        "default_settings": {"billing_cycle_anchor": "automatic", "invoice_settings": defaults},
        "end_behavior": "release",
        "livemode": False,
        "phases": list(phases),
        "status": "active",
    }


def line(amount: int, kind: str = "seat", **more: Any) -> Tree:
    """A line of an invoice: for a `seat`, `base` or `usage` price, a `proration`, or an `extra` of no plan."""
    details = {"proration": kind == "proration", "subscription_item": "si_1", "subscription": "sub_1"}
    parent = {"type": "subscription_item_details", "subscription_item_details": details}
    if kind == "extra":
        details = {"proration": False, "invoice_item": "ii_1"}
        parent = {"type": "invoice_item_details", "invoice_item_details": details}
    named = {"price": f"price_{kind}", "product": "prod_pro"}
    return {
        "object": "line_item",
        "id": f"il_{kind}",
        "amount": amount,
        "subtotal": amount,
        "currency": "usd",
        "description": kind,
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "parent": parent,
        "period": {"start": MONTH, "end": LATER},
        "pricing": {"type": "price_details", "price_details": named, "unit_amount_decimal": None},
        "quantity": 1,
        **more,
    }


def tax(amount: int, behavior: str = "exclusive") -> Tree:
    """A tax of an invoice."""
    return {
        "amount": amount,
        "tax_behavior": behavior,
        "tax_rate_details": None,
        "taxability_reason": "standard_rated",
        "taxable_amount": None,
        "type": "tax_rate_details",
    }


def invoice(*lines: Tree, **more: Any) -> Tree:
    """An invoice of these lines, with nothing added or taken off."""
    total = sum(entry["amount"] for entry in lines)
    zero = ("amount_overpaid", "amount_paid", "amount_paid_off_stripe", "amount_shipping", "attempt_count")
    notes = ("post_payment_credit_notes_amount", "pre_payment_credit_notes_amount", "starting_balance")
    return {
        "object": "invoice",
        "id": "in_1",
        **dict.fromkeys((*zero, *notes), 0),
        **dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), total),
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {"enabled": False, "disabled_reason": None, "liability": None, "status": None}
        | {"provider": None},
        "collection_method": "charge_automatically",
        "created": MONTH,
        "currency": "usd",
        "customer": "cus_1",
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "lines": page(*lines),
        "livemode": False,
        "payment_settings": {"payment_method_options": None, "payment_method_types": None}
        | {"default_mandate": None},
        "period_start": MONTH,
        "period_end": LATER,
        "status": "draft",
        "status_transitions": {},
        "total_discount_amounts": [],
        "total_taxes": [],
        **more,
    }


def payment(intent: Tree | str, *, is_default: bool = True, status: str = "open") -> Tree:
    """A payment of an invoice by a payment intent, which may be expanded."""
    return {
        "object": "invoice_payment",
        "id": f"inpay_{int(is_default)}",
        "amount_requested": 100,
        "created": MONTH,
        "currency": "usd",
        "invoice": "in_1",
        "is_default": is_default,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent},
        "status": status,
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
