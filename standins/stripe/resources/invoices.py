"""Invoices: those of subscriptions, those made by hand, and previews."""

from standins.stripe import forms
from standins.stripe.errors import missing, wrong_state
from standins.stripe.forms import boolean, clearable, integer, natural, one_of, record, text
from standins.stripe.resources import invoice_drafts, invoice_engine, invoice_items, standing
from standins.stripe.resources.previews import PREVIEW, create_preview
from standins.stripe.routes import Call, Route, matches, paginate, retrieve
from standins.stripe.store import Obj

_SHARED: dict[str, forms.Check] = {
    "auto_advance": boolean,
    "collection_method": one_of("charge_automatically", "send_invoice"),
    "custom_fields": forms.CUSTOM_FIELDS,
    "days_until_due": natural,
    "default_payment_method": clearable(text),
    "description": clearable(text),
    "due_date": integer,
    "footer": clearable(text),
    "metadata": forms.metadata,
    "number": text,
}
_CREATE = _SHARED | {
    "currency": text,
    "customer": text,
    "pending_invoice_items_behavior": one_of("exclude", "include"),
    "subscription": text,
}
_PAY: dict[str, forms.Check] = {"off_session": boolean, "paid_out_of_band": boolean, "payment_method": text}


def _apply(invoice: Obj, params: Obj) -> None:
    for name in (
        "auto_advance",
        "collection_method",
        "default_payment_method",
        "description",
        "due_date",
        "footer",
    ):
        invoice[name] = params.get(name, invoice[name])
    if "number" in params:
        invoice["number"] = params["number"]
    if "custom_fields" in params:
        invoice["custom_fields"] = params["custom_fields"] or None
    invoice["_days_until_due"] = params.get("days_until_due", invoice["_days_until_due"])
    invoice["metadata"] = forms.merged(invoice["metadata"], params.get("metadata", {}))
    undated = invoice["_days_until_due"] is None and invoice["due_date"] is None
    if invoice["collection_method"] == "send_invoice" and undated:
        raise missing("days_until_due")


def create_invoice(call: Call) -> Obj:
    """Makes a draft by hand; pending items are taken up with `pending_invoice_items_behavior=include`."""
    world, params = call.world, call.params
    if "customer" not in params:
        raise missing("customer")
    customer = world.get("customer", params["customer"], "customer")
    subscription = None
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], "subscription")
    currency = str(params.get("currency", customer["currency"] or "usd")).lower()
    invoice = invoice_drafts.draft(world, customer["id"], "manual", currency, subscription)
    invoice["auto_advance"] = False
    _apply(invoice, params)
    if params.get("pending_invoice_items_behavior") == "include":
        owner = subscription["id"] if subscription else None
        invoice_items.take_up(world, invoice, subscription=owner)
    at = invoice["created"] + invoice_drafts.DRAFT_HOUR if invoice["auto_advance"] else None
    return world.render(invoice_drafts.announce(world, invoice, at))


def update_invoice(call: Call) -> Obj:
    """Changes a draft; of a finalized invoice only metadata, `auto_advance` and the card."""
    invoice = call.world.get("invoice", call.ids["invoice"])
    late = {"metadata", "auto_advance", "default_payment_method", "expand"}
    if invoice["status"] != "draft" and set(call.params) - late:
        raise wrong_state("Finalized invoices can't be updated in this way", "invoice_not_editable")
    with call.world.changing("invoice", invoice["id"], "invoice.updated") as invoice:
        _apply(invoice, call.params)
    return call.world.render(invoice)


def delete_invoice(call: Call) -> Obj:
    """Deletes a draft that was made by hand; its items are pending again."""
    world, invoice = call.world, call.world.get("invoice", call.ids["invoice"])
    if invoice["status"] != "draft" or invoice["parent"]:
        raise wrong_state("You can only delete one-off draft invoices.")
    for line in world.store.children("line_item", invoice["id"]):
        world.store.remove(line["id"])
    for item in world.store.all("invoiceitem", invoice["customer"]):
        if item["invoice"] == invoice["id"]:
            world.store.update(item | {"invoice": None})
    return world.delete(invoice, "invoice.deleted")


def finalize_invoice(call: Call) -> Obj:
    """Finalizes a draft; with `auto_advance` it is charged as well."""
    world = call.world
    invoice = invoice_engine.finalize(world, call.ids["invoice"])
    wanted = call.params.get("auto_advance", invoice["auto_advance"])
    if wanted and invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        invoice_engine.attempt(world, invoice["id"])
    return world.render(world.get("invoice", invoice["id"]))


def pay_invoice(call: Call) -> Obj:
    """Pays an invoice that is not paid or void, with a card or out of band. 402 when the card refuses."""
    world, ident = call.world, call.ids["invoice"]
    invoice = world.get("invoice", ident)
    if invoice["status"] == "draft":
        invoice = invoice_engine.finalize(world, ident)
    elif invoice["status"] not in ("open", "uncollectible"):
        word = "already paid" if invoice["status"] == "paid" else invoice["status"]
        raise wrong_state(f"Invoice is {word}", "invoice_not_open" if word == "void" else None)
    if call.params.get("paid_out_of_band"):
        invoice_engine.settle(world, ident)
    elif invoice["status"] != "paid":
        card = call.params.get("payment_method")
        refusal = invoice_engine.attempt(
            world, ident, world.get("payment_method", card, "payment_method") if card else None
        )
        if refusal:
            raise refusal
    return world.render(world.get("invoice", ident))


def void_invoice(call: Call) -> Obj:
    """Voids an open invoice."""
    return _close(call, "void")


def mark_uncollectible(call: Call) -> Obj:
    """Marks an open invoice as uncollectible."""
    return _close(call, "uncollectible")


def _close(call: Call, status: str) -> Obj:
    allowed = ("open", "uncollectible") if status == "void" else ("open",)
    if call.world.get("invoice", call.ids["invoice"])["status"] not in allowed:
        raise wrong_state("You can only pass in open invoices. This invoice isn't open.", "invoice_not_open")
    return call.world.render(invoice_engine.close(call.world, call.ids["invoice"], status))


def send_invoice(call: Call) -> Obj:
    """Finalizes a draft if need be and says that it was sent; no mail goes out."""
    world, ident = call.world, call.ids["invoice"]
    invoice = world.get("invoice", ident)
    if invoice["status"] == "draft":
        return world.render(invoice_engine.finalize(world, ident))
    if invoice["status"] != "open":
        raise wrong_state("Invoice is not open.", "invoice_not_open")
    world.emit("invoice.sent", world.render(invoice))
    return world.render(invoice)


def list_invoices(call: Call) -> Obj:
    """Invoices by customer, status, subscription, way of collection and time."""
    params = call.params
    rows = call.world.store.all("invoice", params.get("customer"))
    rows = [row for row in rows if matches(row, params, ("status", "collection_method"))]
    wanted = params.get("subscription")
    return paginate(call, [row for row in rows if wanted in (None, standing.subscription_of(row))])


def list_lines(call: Call) -> Obj:
    """The lines of an invoice, in order."""
    invoice = call.world.get("invoice", call.ids["invoice"])
    return paginate(call, call.world.store.children("line_item", invoice["id"]))


def list_payments(call: Call) -> Obj:
    """Payments of invoices, also by their status or by the payment intent."""
    rows = call.world.store.all("invoice_payment", call.params.get("invoice"))
    intent = call.params.get("payment", {}).get("payment_intent")
    rows = [row for row in rows if intent in (None, row["payment"]["payment_intent"])]
    return paginate(call, [row for row in rows if matches(row, call.params, ("status",))])


_ONE = "/v1/invoices/{invoice}"
_STATUS = one_of("draft", "open", "paid", "uncollectible", "void")
_FILTER: dict[str, forms.Check] = {
    **forms.LIST,
    "customer": text,
    "status": _STATUS,
    "subscription": text,
    "collection_method": text,
    "created": forms.time_range,
}
_PAYMENTS: dict[str, forms.Check] = {
    **forms.LIST,
    "created": forms.time_range,
    "invoice": text,
    "payment": record({"type": one_of("payment_intent"), "payment_intent": text}, ("type",)),
    "status": one_of("canceled", "open", "paid"),
}
ROUTES = [
    Route("POST", "/v1/invoices/create_preview", create_preview, PREVIEW),
    Route("POST", "/v1/invoices", create_invoice, _CREATE),
    Route("GET", "/v1/invoices", list_invoices, _FILTER),
    Route("GET", _ONE, retrieve("invoice", "invoice")),
    Route("POST", _ONE, update_invoice, _SHARED),
    Route("DELETE", _ONE, delete_invoice),
    Route("GET", _ONE + "/lines", list_lines, forms.LIST),
    Route("POST", _ONE + "/finalize", finalize_invoice, {"auto_advance": boolean}),
    Route("POST", _ONE + "/pay", pay_invoice, _PAY),
    Route("POST", _ONE + "/send", send_invoice),
    Route("POST", _ONE + "/void", void_invoice),
    Route("POST", _ONE + "/mark_uncollectible", mark_uncollectible),
    Route("GET", "/v1/invoice_payments", list_payments, _PAYMENTS),
    Route("GET", "/v1/invoice_payments/{payment}", retrieve("invoice_payment", "payment")),
]
