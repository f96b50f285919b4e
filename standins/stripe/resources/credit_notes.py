"""Credit notes: they lower what is due on an open invoice, or give back what was paid."""

import secrets

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, wrong_state
from standins.stripe.forms import integer, list_of, natural, one_of, record, text
from standins.stripe.resources import invoice_engine, payments
from standins.stripe.routes import Call, Route, listing, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_LINE = record(
    {
        "type": one_of("custom_line_item", "invoice_line_item"),
        "amount": natural,
        "description": text,
        "invoice_line_item": text,
        "quantity": natural,
        "unit_amount": integer,
    },
    ("type",),
)
_CREATE: dict[str, forms.Check] = {
    "amount": natural,
    "credit_amount": natural,
    "invoice": text,
    "lines": list_of(_LINE),
    "memo": text,
    "metadata": forms.metadata,
    "out_of_band_amount": natural,
    "reason": one_of("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
    "refund_amount": natural,
}


def create(world: World, params: Obj) -> Obj:
    """Issues a credit note on a finalized invoice.

    What is still due is lowered first; the rest must be accounted for by `refund_amount`, `credit_amount`
    (to the customer's balance) and `out_of_band_amount` together, otherwise it is a 400.
    """
    invoice = world.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise wrong_state("You can only create credit notes for finalized invoices.", "invoice_not_open")
    lines = [_line(world, invoice, entry) for entry in params.get("lines", [])]
    amount = params["amount"] if "amount" in params else sum(line["amount"] for line in lines)
    before = min(amount, invoice["amount_remaining"])
    _check(world, invoice, params, amount, amount - before)
    if not lines:
        lines = [_custom(f"Credit for invoice {invoice['number']}", amount, 1, amount)]
    note = _store(world, invoice, params, amount, before)
    for line in lines:
        world.create(line, parent=note["id"])
    _give_back(world, invoice, note, params)
    note = world.get("credit_note", note["id"])
    world.emit("credit_note.created", world.render(note))
    return note


def _check(world: World, invoice: Obj, params: Obj, amount: int, after: int) -> None:
    if amount <= 0:
        raise missing("amount")
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if amount + credited > invoice["total"]:
        raise invalid("amount", "The sum of credit notes must not be more than the invoice's total.")
    given = sum(params.get(name, 0) for name in ("refund_amount", "credit_amount", "out_of_band_amount"))
    if given != after:
        raise wrong_state(
            "The sum of credit amount, refund amount and out of band amount must equal the post payment"
            f" amount ({after}); it is {given}."
        )


def _line(world: World, invoice: Obj, entry: Obj) -> Obj:
    if entry["type"] == "custom_line_item":
        count, unit = entry.get("quantity", 1), entry.get("unit_amount", 0)
        return _custom(entry.get("description", ""), unit * count, count, unit)
    found = world.get("line_item", entry.get("invoice_line_item", ""), "lines[invoice_line_item]")
    if found["invoice"] != invoice["id"]:
        raise invalid("lines[invoice_line_item]", "The line belongs to another invoice.")
    quantity: int = entry["quantity"] if "quantity" in entry else found["quantity"] or 1
    part: int = found["amount"] * quantity // (found["quantity"] or 1)
    line = _custom(found["description"], int(entry.get("amount") or part), quantity, None)
    return line | {"type": "invoice_line_item", "invoice_line_item": found["id"]}


def _custom(description: str, amount: int, quantity: int, unit: int | None) -> Obj:
    return {
        "id": new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": unit,
        "unit_amount_decimal": None if unit is None else str(unit),
    }


_BLANK: Obj = {
    "object": "credit_note",
    "amount_shipping": 0,
    "customer_balance_transaction": None,
    "discount_amount": 0,
    "discount_amounts": [],
    "livemode": False,
    "pretax_credit_amounts": [],
    "refunds": [],
    "shipping_cost": None,
    "status": "issued",
    "total_taxes": [],
    "voided_at": None,
}


def _store(world: World, invoice: Obj, params: Obj, amount: int, before: int) -> Obj:
    count = len(world.store.all("credit_note", invoice["id"])) + 1
    kind = "pre_payment" if before == amount else "post_payment" if before == 0 else "mixed"
    now = world.now(invoice["customer"])
    given = {name: params.get(name) for name in ("memo", "reason", "out_of_band_amount")}
    note = _BLANK | {
        "id": new_id("cn"),
        "amount": amount,
        "created": now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "effective_at": now,
        "invoice": invoice["id"],
        "metadata": params.get("metadata", {}),
        "number": f"{invoice['number']}-CN-{count:02d}",
        "post_payment_amount": amount - before,
        "pre_payment_amount": before,
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "total": amount,
        "total_excluding_tax": amount,
        "type": kind,
        "_token": secrets.token_urlsafe(32),
    }
    return world.create(note | given, parent=invoice["id"])


def _give_back(world: World, invoice: Obj, note: Obj, params: Obj) -> None:
    credit = params.get("credit_amount", 0)
    entry = invoice_engine.change_balance(world, invoice["customer"], -credit, "credit_note", note)
    if entry:
        note["customer_balance_transaction"] = entry["id"]
    if params.get("refund_amount"):
        refund = _refund(world, invoice, params["refund_amount"])
        note["refunds"] = [{"amount_refunded": refund["amount"], "refund": refund["id"], "type": "refund"}]
    world.store.update(note)
    with world.changing("invoice", invoice["id"], "invoice.updated") as stored:
        stored["pre_payment_credit_notes_amount"] += note["pre_payment_amount"]
        stored["post_payment_credit_notes_amount"] += note["post_payment_amount"]
        stored["amount_due"] -= note["pre_payment_amount"]
        stored["amount_remaining"] -= note["pre_payment_amount"]
    if stored["status"] == "open" and stored["amount_remaining"] == 0:
        invoice_engine.settle(world, invoice["id"])


def _refund(world: World, invoice: Obj, amount: int) -> Obj:
    intent = world.store.find(invoice["_intent"] or "", "payment_intent")
    if intent is None:
        raise invalid("refund_amount", "The invoice was not paid with a card, so there is nothing to refund.")
    return payments.refund(world, intent["latest_charge"], amount)


def create_note(call: Call) -> Obj:
    """Issues a credit note."""
    return call.world.render(create(call.world, call.params))


def void_note(call: Call) -> Obj:
    """Voids a credit note that lowered an open invoice: the amount is due again."""
    world = call.world
    note = world.get("credit_note", call.ids["id"])
    invoice = world.get("invoice", note["invoice"])
    if note["status"] == "void" or note["post_payment_amount"] or invoice["status"] != "open":
        raise wrong_state("You can only void an issued credit note on an open invoice.")
    note |= {"status": "void", "voided_at": world.now(note["customer"])}
    world.store.update(note)
    with world.changing("invoice", invoice["id"], "invoice.updated") as stored:
        stored["pre_payment_credit_notes_amount"] -= note["pre_payment_amount"]
        stored["amount_due"] += note["pre_payment_amount"]
        stored["amount_remaining"] += note["pre_payment_amount"]
    world.emit("credit_note.voided", world.render(note))
    return world.render(note)


def update_note(call: Call) -> Obj:
    """Changes memo or metadata."""
    with call.world.changing("credit_note", call.ids["id"], "credit_note.updated") as note:
        note["memo"] = call.params.get("memo", note["memo"])
        note["metadata"] = forms.merged(note["metadata"], call.params.get("metadata", {}))
    return call.world.render(note)


def list_lines(call: Call) -> Obj:
    """The lines of a credit note."""
    note = call.world.get("credit_note", call.ids["id"])
    return paginate(call, call.world.store.children("credit_note_line_item", note["id"]))


_ONE = "/v1/credit_notes/{id}"
_FILTER = {**forms.LIST, "customer": text, "invoice": text, "created": forms.time_range}
ROUTES = [
    Route("POST", "/v1/credit_notes", create_note, _CREATE, ("invoice",)),
    Route("GET", "/v1/credit_notes", listing("credit_note", "customer", "invoice"), _FILTER),
    Route("GET", _ONE, retrieve("credit_note", "id")),
    Route("POST", _ONE, update_note, {"memo": text, "metadata": forms.metadata}),
    Route("POST", _ONE + "/void", void_note),
    Route("GET", _ONE + "/lines", list_lines, forms.LIST),
]
