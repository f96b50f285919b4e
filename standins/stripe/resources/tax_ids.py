"""Tax ids of customers, with a verification that ends right after the answer."""

import re

from standins.stripe import forms
from standins.stripe.errors import invalid
from standins.stripe.forms import record, text
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

# What the value of a type looks like; every other type takes 3 to 30 letters, digits and separators.
PATTERNS = {
    "eu_vat": r"[A-Z]{2}[0-9A-Z+*]{2,12}",
    "gb_vat": r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "us_ein": r"\d{2}-?\d{7}",
    "au_abn": r"\d{11}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)",
    "ca_gst_hst": r"\d{9}RT\d{4}",
    "in_gst": r"\d{2}[A-Z0-9]{13}",
    "jp_cn": r"\d{13}",
    "no_vat": r"\d{9}MVA",
}
_ANY = r"[0-9A-Za-z][0-9A-Za-z ./-]{2,29}"
_CHECKED = ("eu_vat", "gb_vat", "au_abn")
FIELDS: dict[str, forms.Check] = {"type": text, "value": text}
_OWNER = record({"customer": text, "type": forms.one_of("customer")}, ("type",))


def add(world: World, customer: str, kind: str, value: str) -> Obj:
    """Adds a tax id to a customer.

    eu_vat, gb_vat and au_abn are pending in what this gives, and verified when they are read again: values
    with 111111111 become unverified, with 222222222 stay pending.
    https://docs.stripe.com/billing/customer/tax-ids#test
    Raises ApiError `tax_id_invalid` for a value of another shape.
    """
    value = value.strip()
    if not re.fullmatch(r"[a-z]{2}_[a-z_]+", kind):
        raise invalid("type", f"Invalid type: {kind} is not a known tax ID type")
    if not re.fullmatch(PATTERNS.get(kind, _ANY), value):
        raise invalid("value", f"Invalid value for {kind}.", "tax_id_invalid")
    status = "pending" if kind in _CHECKED else "unavailable"
    tax_id: Obj = {
        "id": new_id("txi"),
        "object": "tax_id",
        "country": value[:2].upper() if kind == "eu_vat" else kind[:2].upper(),
        "created": world.now(customer),
        "customer": customer,
        "livemode": False,
        "owner": {"customer": customer, "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {"status": status, "verified_address": None, "verified_name": None},
    }
    world.create(tax_id, parent=customer, event="customer.tax_id.created")
    if status == "pending":
        _verify(world, tax_id["id"], value)
    return tax_id


def _verify(world: World, ident: str, value: str) -> None:
    if "222222222" in value:
        return
    outcome = "unverified" if "111111111" in value else "verified"
    with world.changing("tax_id", ident, "customer.tax_id.updated") as tax_id:
        tax_id["verification"] = tax_id["verification"] | {"status": outcome}


def create_for_customer(call: Call) -> Obj:
    """Adds a tax id to the customer in the path."""
    customer = call.world.get("customer", call.ids["customer"])
    return call.world.render(add(call.world, customer["id"], call.params["type"], call.params["value"]))


def create_for_owner(call: Call) -> Obj:
    """Adds a tax id to the customer that is named as its owner."""
    owner = call.params["owner"].get("customer", "")
    customer = call.world.get("customer", owner, "owner[customer]")
    return call.world.render(add(call.world, customer["id"], call.params["type"], call.params["value"]))


def remove(call: Call) -> Obj:
    """Deletes a tax id."""
    return call.world.delete(call.world.get("tax_id", call.ids["id"]), "customer.tax_id.deleted")


_NEEDS = ("type", "value")
ROUTES = [
    Route("POST", "/v1/customers/{customer}/tax_ids", create_for_customer, FIELDS, _NEEDS),
    Route("GET", "/v1/customers/{customer}/tax_ids", listing("tax_id", parent="customer"), forms.LIST),
    Route("GET", "/v1/customers/{customer}/tax_ids/{id}", retrieve("tax_id", "id")),
    Route("DELETE", "/v1/customers/{customer}/tax_ids/{id}", remove),
    Route("POST", "/v1/tax_ids", create_for_owner, FIELDS | {"owner": _OWNER}, (*_NEEDS, "owner")),
    Route("GET", "/v1/tax_ids", listing("tax_id"), forms.LIST),
    Route("GET", "/v1/tax_ids/{id}", retrieve("tax_id", "id")),
    Route("DELETE", "/v1/tax_ids/{id}", remove),
]
