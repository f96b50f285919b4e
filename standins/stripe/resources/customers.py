"""Customers."""

from typing import Any

from standins.stripe import forms
from standins.stripe.errors import not_found
from standins.stripe.forms import ADDRESS, clearable, list_of, natural, one_of, record, text
from standins.stripe.resources import payment_methods, subscription_engine, tax_ids
from standins.stripe.routes import Call, Route, matches, paginate
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_FIELDS: dict[str, forms.Check] = {
    "address": ADDRESS,
    "balance": forms.integer,
    "business_name": clearable(text),
    "description": clearable(text),
    "email": clearable(forms.email),
    "individual_name": clearable(text),
    "invoice_prefix": text,
    "invoice_settings": record(
        {
            "custom_fields": forms.CUSTOM_FIELDS,
            "default_payment_method": clearable(text),
            "footer": clearable(text),
        }
    ),
    "metadata": forms.metadata,
    "name": clearable(text),
    "next_invoice_sequence": natural,
    "phone": clearable(text),
    "preferred_locales": list_of(text),
    "shipping": clearable(record({"address": ADDRESS, "name": text, "phone": clearable(text)}, ("name",))),
    "tax_exempt": one_of("none", "exempt", "reverse", ""),
}
_CREATE = _FIELDS | {
    "payment_method": text,
    "tax_id_data": list_of(record(tax_ids.FIELDS, ("type", "value"))),
    "test_clock": text,
}
_EMPTY_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def _blank(prefix: str) -> Obj:
    return {
        "object": "customer",
        "address": None,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": prefix,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def create_customer(call: Call) -> Obj:
    """Creates a customer, with a card and tax ids if they are given."""
    world, params = call.world, dict(call.params)
    clock = params.pop("test_clock", None)
    now = world.now()
    if clock:
        now = world.get("test_helpers.test_clock", clock, "test_clock")["frozen_time"]
    ident = new_id("cus", 14)
    customer = {"id": ident, **_blank(new_id("x", 8)[2:].upper()), "created": now, "test_clock": clock}
    later = {name: params.pop(name, None) for name in ("payment_method", "tax_id_data", "invoice_settings")}
    _apply(customer, params)
    world.create(customer, event="customer.created")
    if later["payment_method"]:
        payment_methods.attach(world, later["payment_method"], ident)
    for entry in later["tax_id_data"] or []:
        tax_ids.add(world, ident, entry["type"], entry["value"])
    if later["invoice_settings"]:
        update(world, ident, {"invoice_settings": later["invoice_settings"]})
    return world.render(world.get("customer", ident))


def _apply(customer: Obj, params: Obj) -> None:
    for name, value in params.items():
        if name == "metadata":
            customer[name] = forms.merged(customer[name], value)
        elif name == "address" and value is not None:
            customer[name] = {**_EMPTY_ADDRESS, **value}
        elif name == "invoice_settings":
            customer[name] = customer[name] | value
            customer[name]["custom_fields"] = customer[name]["custom_fields"] or None
        elif name == "tax_exempt":
            customer[name] = value or "none"
        elif name in ("business_name", "individual_name") and value is None:
            customer.pop(name, None)
        elif name != "expand":
            customer[name] = value


def update(world: World, ident: str, params: Obj) -> Obj:
    """Changes a customer as the API and the customer's own page do; gives the customer as shown."""
    settings = params.get("invoice_settings", {})
    if settings.get("default_payment_method"):
        settings["default_payment_method"] = own_card(world, ident, settings["default_payment_method"])
    with world.changing("customer", ident, "customer.updated") as customer:
        _apply(customer, params)
    return world.render(customer)


def own_card(world: World, customer: str, ident: str) -> str:
    """The id of a card attached to the customer; a test token attaches one. ApiError if it is not theirs."""
    ident = payment_methods.from_token(world, ident, customer)
    found = world.store.find(ident, "payment_method")
    if found is None or found["customer"] != customer:
        raise not_found("payment_method", ident, "invoice_settings[default_payment_method]", 400)
    return ident


def update_customer(call: Call) -> Obj:
    """Changes a customer."""
    return update(call.world, call.ids["customer"], dict(call.params))


def retrieve_customer(call: Call) -> Obj:
    """One customer; of a deleted one, only that it is deleted."""
    found = call.world.store.find(call.ids["customer"], "customer")
    if found and found.get("_deleted"):
        return {"id": found["id"], "object": "customer", "deleted": True}
    return call.world.render(call.world.get("customer", call.ids["customer"]))


def delete_customer(call: Call) -> Obj:
    """Deletes a customer: subscriptions end at once, cards and tax ids go."""
    world, ident = call.world, call.ids["customer"]
    customer = world.get("customer", ident)
    for subscription in world.store.all("subscription", ident):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            subscription_engine.end(world, subscription["id"])
    for card in world.store.all("payment_method", ident):
        payment_methods.detach(world, card["id"])
    world.emit("customer.deleted", world.render(customer))
    world.store.update(customer | {"_deleted": True})
    return {"id": ident, "object": "customer", "deleted": True}


def list_customers(call: Call) -> Obj:
    """Customers, newest first; those on a test clock only when it is asked for."""
    wanted: dict[str, Any] = {"test_clock": None, **call.params}
    rows = call.world.store.all("customer")
    return paginate(call, [row for row in rows if matches(row, wanted, ("email", "test_clock"))])


ROUTES = [
    Route("POST", "/v1/customers", create_customer, _CREATE),
    Route(
        "GET",
        "/v1/customers",
        list_customers,
        {**forms.LIST, "email": text, "test_clock": text, "created": forms.time_range},
    ),
    Route("GET", "/v1/customers/{customer}", retrieve_customer),
    Route("POST", "/v1/customers/{customer}", update_customer, _FIELDS),
    Route("DELETE", "/v1/customers/{customer}", delete_customer),
]
