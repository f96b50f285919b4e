"""How an invoice is finalized, paid, tried again, voided."""

from standins.stripe.errors import ApiError, declined, wrong_state
from standins.stripe.resources import invoice_drafts, payments, standing
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

DAY = 86_400
RETRY_DAYS = (3, 5, 7)  # days between one failed attempt and the next; then no more


def finalize(world: World, ident: str) -> Obj:
    """Gives the draft its number and opens it; one with nothing to pay is paid at once."""
    invoice = world.get("invoice", ident)
    if invoice["status"] != "draft":
        raise wrong_state("This invoice is already finalized.", "invoice_not_editable")
    now = world.now(invoice["customer"])
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        invoice_drafts.retotal(world, invoice)
        owner = world.get("customer", invoice["customer"])
        left = min(0, invoice["total"] + owner["balance"])
        invoice.update(_opened(invoice_drafts.addressed(world, invoice, owner), owner, now, left))
    if invoice["amount_due"]:
        _ask_for_payment(world, invoice)
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


def _ask_for_payment(world: World, invoice: Obj) -> None:
    """An open invoice has a payment intent, and a payment that waits for it."""
    invoice["_intent"] = payments.intent_for(world, invoice)["id"]
    world.store.update(invoice)
    payment: Obj = {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_remaining"],
        "created": world.now(invoice["customer"]),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": invoice["_intent"]},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    world.create(payment, parent=invoice["id"])


def attempt(
    world: World,
    ident: str,
    card: Obj | None = None,
    *,
    is_automatic: bool = False,
    is_confirmed: bool = False,
) -> ApiError | None:
    """Tries to charge an open invoice. Gives the refusal, after noting it and when it is tried again.

    The first attempt counts, and of the later ones those that are automatic, as `attempt_count` is described.
    """
    invoice = world.get("invoice", ident)
    card = card or card_for(world, invoice)
    outcome = payments.charge_invoice(world, invoice, card, is_confirmed=is_confirmed) if card else None
    count = invoice["attempt_count"]
    tried: Obj = {"attempted": True}
    if outcome:
        tried["_intent"] = outcome.intent
    if not count or is_automatic:
        tried |= {
            "attempt_count": count + 1,
            "next_payment_attempt": _next_attempt(world, invoice, count + 1),
        }
    if outcome and not outcome.refusal:
        settle(world, ident, tried)
        return None
    return _note_failure(world, ident, tried, outcome)


def _note_failure(world: World, ident: str, tried: Obj, outcome: payments.Outcome | None) -> ApiError:
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        invoice.update(tried)
    world.emit("invoice.payment_failed", world.render(invoice))
    if outcome and outcome.must_confirm:
        world.emit("invoice.payment_action_required", world.render(invoice))
    standing.follow(world, invoice)
    if outcome and outcome.refusal:
        return declined(*outcome.refusal, keep=True)
    error = wrong_state("There is no `default_payment_method` set on this Customer or Invoice.")
    error.keep = True
    return error


def _next_attempt(world: World, invoice: Obj, count: int) -> int | None:
    if count > len(RETRY_DAYS) or not invoice["auto_advance"]:
        return None
    return world.now(invoice["customer"]) + RETRY_DAYS[count - 1] * DAY


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
        _end_payments(world, invoice, "paid", due)
    else:
        _end_payments(world, invoice, "canceled", None)
    for event in ("invoice.paid", "invoice.payment_succeeded"):
        world.emit(event, world.render(invoice))
    standing.follow(world, invoice)
    return invoice


def _end_payments(world: World, invoice: Obj, status: str, amount: int | None) -> None:
    now = world.now(invoice["customer"])
    for payment in world.store.all("invoice_payment", invoice["id"]):
        if payment["status"] != "open":
            continue
        payment |= {"status": status, "amount_paid": amount}
        payment["status_transitions"] = payment["status_transitions"] | {f"{status}_at": now}
        world.store.update(payment)
        if status == "paid":
            world.emit("invoice_payment.paid", world.render(payment))
        else:
            payments.cancel_intent(world, payment["payment"]["payment_intent"])


def close(world: World, ident: str, status: str) -> Obj:
    """Ends an open invoice as `void` or `uncollectible`; a void one gives back the balance that it used."""
    stamp = "voided_at" if status == "void" else "marked_uncollectible_at"
    now = world.now(world.get("invoice", ident)["customer"])
    with world.changing("invoice", ident, "invoice.updated") as invoice:
        used = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
        invoice |= {"status": status, "next_payment_attempt": None, "auto_advance": False}
        invoice["status_transitions"] = invoice["status_transitions"] | {stamp: now}
    if status == "void":
        _end_payments(world, invoice, "canceled", None)
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
