"""Payment methods: cards, made from test tokens or test numbers."""

import hashlib
import time
from typing import Any

from standins.stripe import forms
from standins.stripe.errors import declined, invalid, missing, wrong_state
from standins.stripe.forms import ADDRESS, clearable, integer, one_of, record, text
from standins.stripe.resources import test_cards
from standins.stripe.routes import Call, Route, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_BILLING = record(dict.fromkeys(("email", "name", "phone"), clearable(text)) | {"address": ADDRESS})
_CARD = record({"number": text, "exp_month": integer, "exp_year": integer, "cvc": text, "token": text})
_CREATE: dict[str, forms.Check] = {
    "type": one_of("card"),
    "card": _CARD,
    "billing_details": _BILLING,
    "metadata": forms.metadata,
    "allow_redisplay": one_of("always", "limited", "unspecified"),
}
_UPDATE: dict[str, forms.Check] = {
    "card": record({"exp_month": integer, "exp_year": integer}),
    "billing_details": _BILLING,
    "metadata": forms.metadata,
    "allow_redisplay": one_of("always", "limited", "unspecified"),
}
_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def make(world: World, card: test_cards.TestCard, month: int, year: int, **extra: Any) -> Obj:
    """Stores an unattached card."""
    ident = new_id("pm")
    method: Obj = {
        "id": ident,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": _NO_ADDRESS,
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": _card(card, month, year),
        "created": world.now(),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_number": card.number,
    }
    for name, value in extra.items():
        method[name] = method[name] | value if isinstance(value, dict) else value
    return world.create(method)


def _card(card: test_cards.TestCard, month: int, year: int) -> Obj:
    mark = hashlib.sha256(card.number.encode()).hexdigest()[:16]
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": mark,
        "funding": "debit" if "debit" in card.token else "credit",
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def from_number(world: World, number: str, month: int, year: int, cvc: str, **extra: Any) -> Obj:
    """An unattached card from what a person types. ApiError 402 when it cannot be right."""
    card = test_cards.by_number(number)
    today = time.gmtime()
    test_cards.check_expiry(month, year, (today.tm_year, today.tm_mon))
    test_cards.check_cvc(card, cvc)
    return make(world, card, month, year, **extra)


def from_token(world: World, ident: str, customer: str) -> str:
    """A payment method's id; for a test token, of a card made from it and attached to the customer (once)."""
    card = test_cards.by_token(ident)
    if card is None:
        return ident
    for method in world.store.all("payment_method", customer):
        if method["_number"] == card.number:
            return str(method["id"])
    return str(attach(world, ident, customer)["id"])


def create_payment_method(call: Call) -> Obj:
    """Makes a card from `card[token]` or from number, expiry and CVC."""
    params = dict(call.params)
    card = params.pop("card", None)
    if not card:
        raise missing("card")
    extra = {name: value for name, value in params.items() if name not in ("expand", "type")}
    if "token" in card:
        known = test_cards.by_token(card["token"])
        if known is None:
            raise invalid("card[token]", f"No such token: '{card['token']}'", "resource_missing")
        return call.world.render(make(call.world, known, 12, time.gmtime().tm_year + 4, **extra))
    for name in ("number", "exp_month", "exp_year"):
        if name not in card:
            raise missing(f"card[{name}]")
    cvc = card.get("cvc", "123")
    made = from_number(call.world, card["number"], card["exp_month"], card["exp_year"], cvc, **extra)
    return call.world.render(made)


def attach(world: World, ident: str, customer: str) -> Obj:
    """Attaches a card (or a new one from a test token) to a customer. ApiError 402 when the card refuses."""
    world.get("customer", customer, "customer")
    token = test_cards.by_token(ident)
    if token:
        ident = make(world, token, 12, time.gmtime().tm_year + 4)["id"]
    method = world.get("payment_method", ident)
    if method["customer"]:
        raise wrong_state("The payment method you provided has already been attached to a customer.")
    if method.get("_detached"):
        raise wrong_state("This PaymentMethod was previously detached and may not be used again.")
    refusal = test_cards.by_number(method["_number"]).attach
    if refusal:
        raise declined(*refusal)
    method |= {"customer": customer, "created": world.now(customer)}
    world.store.update(method)
    world.store.move(ident, customer)
    world.emit("payment_method.attached", world.render(method))
    return method


def detach(world: World, ident: str) -> Obj:
    """Takes a card from its customer; it stops being a default anywhere and cannot come back."""
    method = world.get("payment_method", ident)
    customer = method["customer"]
    if not customer:
        raise wrong_state(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    previous = {"customer": customer}
    method |= {"customer": None, "_detached": True}
    world.store.update(method)
    world.store.move(ident, None)
    world.emit("payment_method.detached", world.render(method), previous)
    with world.changing("customer", customer, "customer.updated") as owner:
        if owner["invoice_settings"]["default_payment_method"] == ident:
            owner["invoice_settings"] = owner["invoice_settings"] | {"default_payment_method": None}
    for row in world.store.all("subscription", customer):
        if row["default_payment_method"] == ident:
            with world.changing("subscription", row["id"], "customer.subscription.updated") as subscription:
                subscription["default_payment_method"] = None
    return method


def attach_payment_method(call: Call) -> Obj:
    """Attaches a card."""
    return call.world.render(attach(call.world, call.ids["payment_method"], call.params["customer"]))


def detach_payment_method(call: Call) -> Obj:
    """Detaches a card."""
    return call.world.render(detach(call.world, call.ids["payment_method"]))


def update_payment_method(call: Call) -> Obj:
    """Changes expiry, billing details or metadata."""
    with call.world.changing(
        "payment_method", call.ids["payment_method"], "payment_method.updated"
    ) as method:
        for name in ("card", "billing_details"):
            method[name] = method[name] | call.params.get(name, {})
        method["metadata"] = forms.merged(method["metadata"], call.params.get("metadata", {}))
        method["allow_redisplay"] = call.params.get("allow_redisplay", method["allow_redisplay"])
    return call.world.render(method)


def list_payment_methods(call: Call) -> Obj:
    """A customer's cards, newest first."""
    customer = call.params.get("customer") or call.ids.get("customer")
    if not customer:
        return paginate(call, [])
    call.world.get("customer", customer, "customer" if "customer" in call.params else "id")
    rows = call.world.store.all("payment_method", customer)
    return paginate(call, [row for row in rows if matches(row, call.params, ("type",))])


_ONE = "/v1/payment_methods/{payment_method}"
_FILTER = {**forms.LIST, "type": one_of("card"), "allow_redisplay": text}
ROUTES = [
    Route("POST", "/v1/payment_methods", create_payment_method, _CREATE, ("type",)),
    Route("GET", "/v1/payment_methods", list_payment_methods, {**_FILTER, "customer": text}),
    Route("GET", _ONE, retrieve("payment_method", "payment_method")),
    Route("POST", _ONE, update_payment_method, _UPDATE),
    Route("POST", _ONE + "/attach", attach_payment_method, {"customer": text}, ("customer",)),
    Route("POST", _ONE + "/detach", detach_payment_method),
    Route("GET", "/v1/customers/{customer}/payment_methods", list_payment_methods, _FILTER),
    Route(
        "GET",
        "/v1/customers/{customer}/payment_methods/{payment_method}",
        retrieve("payment_method", "payment_method"),
    ),
]
