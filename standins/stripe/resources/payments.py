"""Charges and payment intents: how an invoice is paid with a card."""

from dataclasses import dataclass

from standins.stripe import forms
from standins.stripe.forms import text
from standins.stripe.resources import test_cards
from standins.stripe.resources.test_cards import Refusal
from standins.stripe.routes import Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_SETTLED = {
    "network_advice_code": None,
    "network_decline_code": None,
    "advice_code": None,
}


@dataclass(frozen=True)
class Outcome:
    """What came of a charge; `refusal` is (code, decline code, message) when it was declined."""

    intent: str
    charge: str
    refusal: Refusal | None


def charge_invoice(world: World, invoice: Obj, method: Obj) -> Outcome:
    """Charges the invoice's remaining amount to a card, on the invoice's payment intent."""
    intent = _intent(world, invoice)
    refusal = test_cards.by_number(method["_number"]).charge
    charge = _charge(world, intent, method, refusal)
    event = "payment_intent.payment_failed" if refusal else "payment_intent.succeeded"
    stored = world.get("payment_intent", intent["id"])
    stored |= {
        "latest_charge": charge["id"],
        "status": "requires_payment_method" if refusal else "succeeded",
        "amount_received": 0 if refusal else stored["amount"],
        "payment_method": None if refusal else method["id"],
        "last_payment_error": _error(charge, refusal) if refusal else None,
    }
    world.store.update(stored)
    world.emit(event, world.render(stored))
    return Outcome(intent["id"], charge["id"], refusal)


def _error(charge: Obj, refusal: Refusal) -> Obj:
    error = {"type": "card_error", "code": refusal[0], "message": refusal[2], "charge": charge["id"]}
    return error | ({"decline_code": refusal[1]} if refusal[1] else {})


_INTENT: Obj = {
    "object": "payment_intent",
    "amount_capturable": 0,
    "amount_received": 0,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": None,
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "confirmation_method": "automatic",
    "description": "Payment for invoice",
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "metadata": {},
    "next_action": None,
    "payment_method": None,
    "payment_method_types": ["card"],
    "status": "requires_payment_method",
}
_CHARGE: Obj = {
    "object": "charge",
    "amount_refunded": 0,
    "balance_transaction": None,
    "disputed": False,
    "fraud_details": {},
    "livemode": False,
    "metadata": {},
    "receipt_email": None,
    "receipt_url": None,
    "refunded": False,
}


def _intent(world: World, invoice: Obj) -> Obj:
    known = world.store.find(invoice["_intent"] or "", "payment_intent")
    if known:
        known["amount"] = invoice["amount_remaining"]
        world.store.update(known)
        return known
    ident = new_id("pi")
    intent = _INTENT | {
        "id": ident,
        "amount": invoice["amount_remaining"],
        "client_secret": f"{ident}_secret_{new_id('x', 20)[2:]}",
        "created": world.now(invoice["customer"]),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
    }
    return world.create(intent, parent=invoice["customer"], event="payment_intent.created")


def _charge(world: World, intent: Obj, method: Obj, refusal: Refusal | None) -> Obj:
    charge = _CHARGE | {
        "id": new_id("ch"),
        "amount": intent["amount"],
        "amount_captured": 0 if refusal else intent["amount"],
        "billing_details": method["billing_details"],
        "captured": refusal is None,
        "created": world.now(intent["customer"]),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "failure_code": refusal[0] if refusal else None,
        "failure_message": refusal[2] if refusal else None,
        "outcome": _verdict(refusal),
        "paid": refusal is None,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method),
        "status": "failed" if refusal else "succeeded",
    }
    event = "charge.failed" if refusal else "charge.succeeded"
    return world.create(charge, parent=intent["customer"], event=event)


def _verdict(refusal: Refusal | None) -> Obj:
    return {
        **_SETTLED,
        "network_status": "declined_by_network" if refusal else "approved_by_network",
        "reason": (refusal[1] or refusal[0]) if refusal else None,
        "risk_level": "normal",
        "seller_message": "The bank declined this payment." if refusal else "Payment complete.",
        "type": "issuer_declined" if refusal else "authorized",
    }


def _details(method: Obj) -> Obj:
    names = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    card = {name: method["card"][name] for name in names}
    rest = {
        "checks": method["card"]["checks"],
        "network": card["brand"],
        "wallet": None,
        "three_d_secure": None,
    }
    return {"type": "card", "card": {**card, **rest, "installments": None, "mandate": None}}


_FILTER = {**forms.LIST, "customer": text, "created": forms.time_range}
ROUTES = [
    Route("GET", "/v1/payment_intents", listing("payment_intent", "customer"), _FILTER),
    Route("GET", "/v1/payment_intents/{intent}", retrieve("payment_intent", "intent")),
    Route(
        "GET",
        "/v1/charges",
        listing("charge", "customer", "payment_intent"),
        {**_FILTER, "payment_intent": text},
    ),
    Route("GET", "/v1/charges/{charge}", retrieve("charge", "charge")),
]
