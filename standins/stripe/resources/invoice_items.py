"""Invoice items: pending lines of a customer that the next invoice takes up."""

from typing import Any

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, wrong_state
from standins.stripe.forms import boolean, integer, natural, record, text
from standins.stripe.resources import invoice_drafts
from standins.stripe.routes import Call, Route, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_PERIOD = record({"start": integer, "end": integer}, ("start", "end"))
_CREATE: dict[str, forms.Check] = {
    "amount": integer,
    "currency": text,
    "customer": text,
    "description": text,
    "invoice": text,
    "metadata": forms.metadata,
    "period": _PERIOD,
    "pricing": record({"price": text}, ("price",)),
    "quantity": natural,
    "subscription": text,
}
_UPDATE: dict[str, forms.Check] = {
    "amount": integer,
    "description": text,
    "metadata": forms.metadata,
    "period": _PERIOD,
}


_BLANK: Obj = {
    "object": "invoiceitem",
    "discounts": [],
    "livemode": False,
    "tax_rates": [],
}


def add(world: World, customer: str, amount: int, currency: str, description: str, **more: Any) -> Obj:
    """Stores a pending item; `subscription`, `subscription_item`, `price`, `quantity`, `period`, `proration`,
    `metadata` and `invoice` are optional."""
    now, quantity, proration = world.now(customer), more.get("quantity", 1), more.get("proration", False)
    price = more.get("price")
    item = _BLANK | {
        "id": new_id("ii"),
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "date": now,
        "description": description,
        "discountable": not proration,
        "invoice": more.get("invoice"),
        "metadata": more.get("metadata", {}),
        "net_amount": amount,
        "parent": _parent(more.get("subscription"), more.get("subscription_item")),
        "period": more.get("period") or {"start": now, "end": now},
        "pricing": invoice_drafts.pricing_of(price) if price else None,
        "proration": proration,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "test_clock": world.get("customer", customer, "customer")["test_clock"],
    }
    return world.create(item, parent=customer, event="invoiceitem.created")


def _parent(subscription: str | None, item: str | None) -> Obj | None:
    if subscription is None:
        return None
    details = {"subscription": subscription} | ({"subscription_item": item} if item else {})
    return {"type": "subscription_details", "subscription_details": details}


def take_up(world: World, invoice: Obj, *, subscription: str | None, others: bool = True) -> None:
    """Moves pending items in the invoice's currency onto a draft: the subscription's and, with `others`,
    those that belong to no subscription."""
    for item in reversed(world.store.all("invoiceitem", invoice["customer"])):
        owner = subscription_of(item)
        wanted = owner == subscription if owner else others
        if item["invoice"] is None and wanted and item["currency"] == invoice["currency"]:
            put_on(world, invoice, item)


def subscription_of(item: Obj) -> str | None:
    """The subscription that an item belongs to."""
    return str(item["parent"]["subscription_details"]["subscription"]) if item["parent"] else None


def put_on(world: World, invoice: Obj, item: Obj) -> None:
    """Makes a line of an item."""
    world.store.update(item | {"invoice": invoice["id"]})
    proration = {"proration": item["proration"], "proration_details": {"credited_items": None}}
    details = (item["parent"] or {}).get("subscription_details") or {}
    link = {"invoice_item": item["id"], "subscription": details.get("subscription"), **proration}
    part = details.get("subscription_item")
    name = "subscription_item_details" if part else "invoice_item_details"
    other = "invoice_item_details" if part else "subscription_item_details"
    if part:
        link["subscription_item"] = part
    pricing = item["pricing"]
    invoice_drafts.add_line(
        world,
        invoice,
        item["amount"],
        item["description"],
        quantity=item["quantity"],
        period=item["period"],
        metadata=item["metadata"],
        discountable=item["discountable"],
        price=world.store.find(pricing["price_details"]["price"], "price") if pricing else None,
        parent={"type": name, name: link, other: None},
    )


def create_item(call: Call) -> Obj:
    """Creates a pending item, or a line of the draft that is named."""
    world, params = call.world, call.params
    customer = world.get("customer", params["customer"], "customer")
    price = _price(world, params)
    amount = params.get("amount")
    if price:
        amount = price["unit_amount"] * params.get("quantity", 1)
    if amount is None:
        raise missing("amount")
    currency = (
        price["currency"] if price else str(params.get("currency", customer["currency"] or "usd")).lower()
    )
    more = {
        name: params[name] for name in ("period", "metadata", "quantity", "subscription") if name in params
    }
    item = add(world, customer["id"], amount, currency, params.get("description", ""), price=price, **more)
    if "invoice" in params:
        invoice = world.get("invoice", params["invoice"], "invoice")
        if invoice["status"] != "draft" or invoice["currency"] != currency:
            raise invalid("invoice", "The invoice is not a draft in this currency.", "invoice_not_editable")
        put_on(world, invoice, item)
        with world.changing("invoice", invoice["id"], "invoice.updated") as invoice:
            invoice_drafts.retotal(world, invoice)
    return world.render(world.get("invoiceitem", item["id"]))


def _price(world: World, params: Obj) -> Obj | None:
    ident = params.get("pricing", {}).get("price")
    if ident and "amount" in params:
        raise invalid("amount", "You may only specify one of these parameters: amount, pricing.")
    return world.get("price", ident, "pricing[price]") if ident else None


def update_item(call: Call) -> Obj:
    """Changes a pending item."""
    with call.world.changing("invoiceitem", call.ids["invoiceitem"]) as item:
        _must_be_pending(item)
        change = {name: value for name, value in call.params.items() if name in _UPDATE}
        change["metadata"] = forms.merged(item["metadata"], call.params.get("metadata", {}))
        item.update(change, net_amount=change.get("amount", item["amount"]))
    return call.world.render(item)


def delete_item(call: Call) -> Obj:
    """Deletes a pending item."""
    item = call.world.get("invoiceitem", call.ids["invoiceitem"])
    _must_be_pending(item)
    return call.world.delete(item, "invoiceitem.deleted")


def _must_be_pending(item: Obj) -> None:
    if item["invoice"]:
        raise wrong_state(
            "The invoice item is on an invoice and cannot be changed here.", "invoice_not_editable"
        )


def list_items(call: Call) -> Obj:
    """Items, by customer, invoice or whether they are still pending."""
    rows = call.world.store.all("invoiceitem", call.params.get("customer"))
    pending = call.params.get("pending")
    rows = [row for row in rows if pending is None or (row["invoice"] is None) == pending]
    return paginate(call, [row for row in rows if matches(row, call.params, ("invoice",))])


_ONE = "/v1/invoiceitems/{invoiceitem}"
ROUTES = [
    Route("POST", "/v1/invoiceitems", create_item, _CREATE, ("customer",)),
    Route(
        "GET",
        "/v1/invoiceitems",
        list_items,
        {**forms.LIST, "customer": text, "invoice": text, "pending": boolean},
    ),
    Route("GET", _ONE, retrieve("invoiceitem", "invoiceitem")),
    Route("POST", _ONE, update_item, _UPDATE),
    Route("DELETE", _ONE, delete_item),
]
