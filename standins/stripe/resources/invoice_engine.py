"""How an invoice comes to be, is finalized, paid, tried again, voided."""

import secrets
from typing import Any

from standins.stripe.errors import ApiError, declined, wrong_state
from standins.stripe.resources import payments, standing
from standins.stripe.resources.account import ACCOUNT_COUNTRY, ACCOUNT_NAME
from standins.stripe.resources.invoice_blank import BLANK, LINE
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

DRAFT_HOUR = 3600  # a draft of a cycle is finalized an hour after it was made
DAY = 86_400
RETRY_DAYS = (3, 5, 7)  # days between one failed attempt and the next; then no more


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
        "customer": customer,
        "parent": parent,
        "period_end": now,
        "period_start": now,
        "test_clock": owner["test_clock"],
        "_token": secrets.token_urlsafe(32),
        "_days_until_due": source.get("days_until_due"),
    }
    return world.create(_addressed(world, invoice, owner), parent=customer)


def _addressed(world: World, invoice: Obj, owner: Obj) -> Obj:
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
    """Adds a line: `period`, `price` (an object), `quantity` and `parent` are optional."""
    now, price, quantity = invoice["created"], more.get("price"), more.get("quantity", 1)
    line = LINE | {
        "id": new_id("il"),
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
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
        line["pricing"] = pricing_of(price)
    return world.create(line, parent=invoice["id"])


def pricing_of(price: Obj) -> Obj:
    """What a line or an item tells of its price."""
    details = {"price": price["id"], "product": price["product"]}
    unit = price["unit_amount_decimal"]
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": unit}


def retotal(world: World, invoice: Obj) -> Obj:
    """Adds the lines up and takes the customer's balance into account (negative: the customer has credit)."""
    total = sum(line["amount"] for line in world.store.children("line_item", invoice["id"]))
    balance = world.get("customer", invoice["customer"])["balance"]
    due = max(0, total + balance)
    invoice |= {
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
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


def finalize(world: World, ident: str) -> Obj:
    """Gives the draft its number and opens it; one with nothing to pay is paid at once."""
    invoice = world.get("invoice", ident)
    if invoice["status"] != "draft":
        raise wrong_state("This invoice is already finalized.", "invoice_not_editable")
    now = world.now(invoice["customer"])
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        retotal(world, invoice)
        owner = world.get("customer", invoice["customer"])
        left = min(0, invoice["total"] + owner["balance"])
        invoice.update(_opened(_addressed(world, invoice, owner), owner, now, left))
    _take_number(world, owner, invoice, left)
    world.emit("invoice.finalized", world.render(invoice))
    if invoice["collection_method"] == "send_invoice" and invoice["amount_due"]:
        world.emit("invoice.sent", world.render(invoice))
    return settle(world, ident) if not invoice["amount_due"] else invoice


def _opened(invoice: Obj, owner: Obj, now: int, left: int) -> Obj:
    days = invoice["_days_until_due"]
    return invoice | {
        "status": "open",
        "number": invoice["number"] or f"{owner['invoice_prefix']}-{owner['next_invoice_sequence']:04d}",
        "effective_at": now,
        "ending_balance": left,
        "due_date": invoice["due_date"] or (now + days * DAY if days is not None else None),
        "automatically_finalizes_at": None,
        "next_payment_attempt": None,
        "status_transitions": invoice["status_transitions"] | {"finalized_at": now},
    }


def _take_number(world: World, owner: Obj, invoice: Obj, left: int) -> None:
    change_balance(world, owner["id"], left - owner["balance"], "applied_to_invoice", invoice)
    with world.changing("customer", owner["id"], "customer.updated") as customer:
        customer["next_invoice_sequence"] += 1
        customer["currency"] = customer["currency"] or invoice["currency"]


def change_balance(world: World, customer: str, amount: int, kind: str, cause: Obj) -> Obj | None:
    """Moves a customer's balance and writes the transaction; nothing for an amount of zero."""
    if not amount:
        return None
    with world.changing("customer", customer, "customer.updated") as owner:
        owner["balance"] += amount
    entry: Obj = {
        "id": new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": world.now(customer),
        "credit_note": cause["id"] if cause["object"] == "credit_note" else None,
        "currency": cause["currency"],
        "customer": customer,
        "description": None,
        "ending_balance": owner["balance"],
        "invoice": cause["id"] if cause["object"] == "invoice" else cause.get("invoice"),
        "livemode": False,
        "metadata": {},
        "type": kind,
    }
    return world.create(entry, parent=customer, event="customer_balance_transaction.created")


def card_for(world: World, invoice: Obj) -> Obj | None:
    """The card that would be charged: the invoice's, its subscription's, or the customer's default."""
    subscription = world.store.find(standing.subscription_of(invoice) or "", "subscription") or {}
    owner = world.get("customer", invoice["customer"])
    for ident in (
        invoice["default_payment_method"],
        subscription.get("default_payment_method"),
        owner["invoice_settings"]["default_payment_method"],
    ):
        if ident:
            return world.store.find(ident, "payment_method")
    return None


def attempt(world: World, ident: str, card: Obj | None = None) -> ApiError | None:
    """Tries to charge an open invoice. Gives the refusal, after noting it and when it is tried again."""
    invoice = world.get("invoice", ident)
    card = card or card_for(world, invoice)
    outcome = payments.charge_invoice(world, invoice, card) if card else None
    now, count = world.now(invoice["customer"]), invoice["attempt_count"] + 1
    tried: Obj = {
        "attempted": True,
        "attempt_count": count,
        "_intent": outcome.intent if outcome else invoice["_intent"],
    }
    if outcome and not outcome.refusal:
        settle(world, ident, tried)
        return None
    if count <= len(RETRY_DAYS) and invoice["auto_advance"]:
        tried["next_payment_attempt"] = now + RETRY_DAYS[count - 1] * DAY
    else:
        tried["next_payment_attempt"] = None
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        invoice.update(tried)
    world.emit("invoice.payment_failed", world.render(invoice))
    standing.follow(world, invoice)
    if outcome and outcome.refusal:
        return declined(*outcome.refusal, keep=True)
    error = wrong_state("There is no `default_payment_method` set on this Customer or Invoice.")
    error.keep = True
    return error


def settle(world: World, ident: str, tried: Obj | None = None) -> Obj:
    """Marks an invoice as paid; `tried` holds what a successful charge changed (none: paid out of band)."""
    now = world.now(world.get("invoice", ident)["customer"])
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        due = invoice["amount_remaining"]
        invoice.update(tried or {"attempted": True}, status="paid", amount_remaining=0)
        invoice.update(next_payment_attempt=None, auto_advance=False)
        invoice["amount_paid"] += due
        invoice["status_transitions"] = invoice["status_transitions"] | {"paid_at": now}
    if tried and due:
        _record_payment(world, invoice, due, now)
    for event in ("invoice.paid", "invoice.payment_succeeded"):
        world.emit(event, world.render(invoice))
    standing.follow(world, invoice)
    return invoice


def _record_payment(world: World, invoice: Obj, amount: int, now: int) -> None:
    payment: Obj = {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": amount,
        "amount_requested": amount,
        "created": now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": invoice["_intent"]},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": now},
    }
    world.create(payment, parent=invoice["id"], event="invoice_payment.paid")


def close(world: World, ident: str, status: str) -> Obj:
    """Ends an open invoice as `void` or `uncollectible`; a void one gives back the balance that it used."""
    stamp = "voided_at" if status == "void" else "marked_uncollectible_at"
    now = world.now(world.get("invoice", ident)["customer"])
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        used = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
        invoice |= {"status": status, "next_payment_attempt": None, "auto_advance": False}
        invoice["status_transitions"] = invoice["status_transitions"] | {stamp: now}
    if status == "void":
        change_balance(world, invoice["customer"], used, "unapplied_from_invoice", invoice)
    world.emit(
        "invoice.voided" if status == "void" else "invoice.marked_uncollectible", world.render(invoice)
    )
    standing.follow(world, invoice)
    return invoice


def mark_overdue(world: World, ident: str) -> None:
    """The due date of an invoice that was sent has passed."""
    with world.changing("invoice", ident) as invoice:
        invoice["_overdue"] = True
    world.emit("invoice.overdue", world.render(invoice))
    standing.follow(world, invoice)
