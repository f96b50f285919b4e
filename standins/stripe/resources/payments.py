"""Charges and payment intents: how an invoice is paid with a card."""

from dataclasses import dataclass

from standins.stripe import forms
from standins.stripe.errors import invalid
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
    """What came of a charge; `refusal` is (code, decline code, message) when it was declined, or when the
    customer has to confirm it with the bank first (`must_confirm`)."""

    intent: str
    refusal: Refusal | None
    must_confirm: bool = False


CONFIRM: Refusal = (
    "invoice_payment_intent_requires_action",
    None,
    "The payment has to be confirmed by the customer before it can be completed.",
)
NOT_CONFIRMED: Refusal = (
    "payment_intent_authentication_failure",
    None,
    "The payment was not confirmed with the bank. Confirm it or use another card.",
)


def charge_invoice(world: World, invoice: Obj, method: Obj, *, is_confirmed: bool = False) -> Outcome:
    """Charges the invoice's remaining amount to a card, on the invoice's payment intent. A card with 3-D Secure
    is charged only once the customer has confirmed."""
    intent = intent_for(world, invoice)
    card = test_cards.by_number(method["_number"])
    if card.must_confirm and not is_confirmed:
        return _ask_to_confirm(world, invoice, intent, method)
    refusal = card.charge
    charge = _charge(world, intent, method, refusal)
    event = "payment_intent.payment_failed" if refusal else "payment_intent.succeeded"
    stored = world.get("payment_intent", intent["id"])
    stored |= {
        "latest_charge": charge["id"],
        "status": "requires_payment_method" if refusal else "succeeded",
        "amount_received": 0 if refusal else stored["amount"],
        "next_action": None,
        "payment_method": None if refusal else method["id"],
        "last_payment_error": _error(charge, refusal) if refusal else None,
    }
    world.store.update(stored)
    world.emit(event, world.render(stored))
    return Outcome(intent["id"], refusal)


def _ask_to_confirm(world: World, invoice: Obj, intent: Obj, method: Obj) -> Outcome:
    where = {"return_url": None, "url": f"{world.base_url}/i/{invoice['_token']}/confirm"}
    stored = world.get("payment_intent", intent["id"]) | {
        "status": "requires_action",
        "next_action": {"type": "redirect_to_url", "redirect_to_url": where},
        "payment_method": method["id"],
        "last_payment_error": None,
    }
    world.store.update(stored)
    world.emit("payment_intent.requires_action", world.render(stored))
    return Outcome(intent["id"], CONFIRM, must_confirm=True)


def cancel_intent(world: World, ident: str) -> None:
    """Nothing will be paid with this intent."""
    intent = world.get("payment_intent", ident)
    if intent["status"] in ("succeeded", "canceled"):
        return
    intent |= {"status": "canceled", "canceled_at": world.now(intent["customer"]), "next_action": None}
    world.store.update(intent)
    world.emit("payment_intent.canceled", world.render(intent))


def waits_for_confirmation(world: World, invoice: Obj) -> Obj | None:
    """The payment intent of an open invoice, if the customer has to confirm it."""
    intent = world.store.find(invoice["_intent"] or "", "payment_intent")
    waits = intent and intent["status"] == "requires_action" and invoice["status"] == "open"
    return intent if waits else None


def reject_confirmation(world: World, intent: Obj) -> None:
    """The customer did not confirm: the intent needs a payment method again."""
    error = {"type": "card_error", "code": NOT_CONFIRMED[0], "message": NOT_CONFIRMED[2]}
    stored = intent | {
        "status": "requires_payment_method",
        "next_action": None,
        "payment_method": None,
        "last_payment_error": error,
    }
    world.store.update(stored)
    world.emit("payment_intent.payment_failed", world.render(stored))


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


def intent_for(world: World, invoice: Obj) -> Obj:
    """The payment intent of an invoice, over what remains to be paid; made when there is none."""
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


def refund(world: World, charge: str, amount: int) -> Obj:
    """Gives back a part of a charge. ApiError for more than is left of it."""
    with world.changing("charge", charge) as stored:
        if not stored["paid"] or not 0 < amount <= stored["amount"] - stored["amount_refunded"]:
            raise invalid("amount", "The refund is greater than what is left of the charge.")
        stored["amount_refunded"] += amount
        stored["refunded"] = stored["amount_refunded"] == stored["amount"]
    made: Obj = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge,
        "created": world.now(stored["customer"]),
        "currency": stored["currency"],
        "metadata": {},
        "payment_intent": stored["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    world.emit("charge.refunded", world.render(stored))
    return world.create(made, parent=charge, event="refund.created")


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
    Route(
        "GET",
        "/v1/refunds",
        listing("refund", "charge", "payment_intent"),
        {**forms.LIST, "charge": text, "payment_intent": text, "created": forms.time_range},
    ),
    Route("GET", "/v1/refunds/{refund}", retrieve("refund", "refund")),
]
