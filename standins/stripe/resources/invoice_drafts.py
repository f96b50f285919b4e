"""Drafts of invoices: how one begins, gets its lines and is added up."""

import secrets
from typing import Any

from standins.stripe.resources import discount_engine, standing
from standins.stripe.resources.account import ACCOUNT_COUNTRY, ACCOUNT_NAME
from standins.stripe.resources.invoice_blank import BLANK, LINE
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

DRAFT_HOUR = 3600  # a draft of a cycle is finalized an hour after it was made


def draft(world: World, customer: str, reason: str, currency: str, subscription: Obj | None = None) -> Obj:
    """Stores an empty draft; `announce` makes it known once it has its lines."""
    owner, now = world.get("customer", customer, "customer"), world.now(customer)
    parent = None
    if subscription:
        details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
        parent = {"type": "subscription_details", "quote_details": None, "subscription_details": details}
    source = subscription or {}
    invoice = BLANK | {
        "id": new_id("in"),
        "account_country": ACCOUNT_COUNTRY,
        "account_name": ACCOUNT_NAME,
        "auto_advance": subscription is not None,
        "billing_reason": reason,
        "collection_method": source.get("collection_method", "charge_automatically"),
        "created": now,
        "currency": currency,
        "custom_fields": owner["invoice_settings"]["custom_fields"],
        "customer": customer,
        "discounts": discount_engine.running(world, subscription) if subscription else [],
        "footer": owner["invoice_settings"]["footer"],
        "parent": parent,
        "period_end": now,
        "period_start": now,
        "test_clock": owner["test_clock"],
        "_token": secrets.token_urlsafe(32),
        "_days_until_due": source.get("days_until_due"),
    }
    return world.create(addressed(world, invoice, owner), parent=customer)


def addressed(world: World, invoice: Obj, owner: Obj) -> Obj:
    """The invoice with what it tells of the customer: copied until it is finalized."""
    tax_ids = [{"type": row["type"], "value": row["value"]} for row in world.store.all("tax_id", owner["id"])]
    return invoice | {
        "customer_address": owner["address"],
        "customer_email": owner["email"],
        "customer_name": owner["name"],
        "customer_phone": owner["phone"],
        "customer_shipping": owner["shipping"],
        "customer_tax_exempt": owner["tax_exempt"],
        "customer_tax_ids": tax_ids,
    }


def add_line(world: World, invoice: Obj, amount: int, description: str, **more: Any) -> Obj:
    """Adds a line: `period`, `price` (an object), `unit` (what is told as its unit amount), `quantity`, `parent`
    and `discountable` are optional."""
    now, price, quantity = invoice["created"], more.get("price"), more.get("quantity", 1)
    line = LINE | {
        "id": new_id("il"),
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discountable": more.get("discountable", True),
        "invoice": invoice["id"],
        "metadata": more.get("metadata", {}),
        "parent": more.get("parent"),
        "period": more.get("period") or {"start": now, "end": now},
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": standing.subscription_of(invoice),
        "subtotal": amount,
    }
    if price:
        line["pricing"] = pricing_of(price, more.get("unit"))
    return world.create(line, parent=invoice["id"])


def pricing_of(price: Obj, unit: str | None = None) -> Obj:
    """What a line or an item tells of its price."""
    details = {"price": price["id"], "product": price["product"]}
    return {
        "type": "price_details",
        "price_details": details,
        "unit_amount_decimal": unit or price["unit_amount_decimal"],
    }


def retotal(world: World, invoice: Obj) -> Obj:
    """Adds the lines up and takes the customer's balance into account (negative: the customer has credit)."""
    subtotal = sum(line["amount"] for line in world.store.children("line_item", invoice["id"]))
    off = discount_engine.lower_lines(world, invoice)
    total = subtotal - sum(entry["amount"] for entry in off)
    balance = world.get("customer", invoice["customer"])["balance"]
    due = max(0, total + balance)
    invoice |= {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": off,
        "total_excluding_tax": total,
    }
    invoice |= {"starting_balance": balance, "amount_due": due, "amount_remaining": due}
    world.store.update(invoice)
    return invoice


def announce(world: World, invoice: Obj, finalizes_at: int | None) -> Obj:
    """Totals the new draft and tells of it."""
    invoice |= {"automatically_finalizes_at": finalizes_at}
    invoice |= {
        "next_payment_attempt": finalizes_at if invoice["collection_method"] != "send_invoice" else None
    }
    retotal(world, invoice)
    world.emit("invoice.created", world.render(invoice))
    return invoice
