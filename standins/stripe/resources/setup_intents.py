"""Setup intents: saving a card without a charge."""

from standins.stripe import forms
from standins.stripe.errors import missing, wrong_state
from standins.stripe.forms import boolean, list_of, one_of, record, text
from standins.stripe.resources import customers, payment_methods
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_CREATE: dict[str, forms.Check] = {
    "automatic_payment_methods": record({"enabled": boolean}, ("enabled",)),
    "confirm": boolean,
    "customer": text,
    "description": text,
    "metadata": forms.metadata,
    "payment_method": text,
    "payment_method_types": list_of(text),
    "return_url": forms.url,
    "usage": one_of("off_session", "on_session"),
}


_BLANK: Obj = {
    "object": "setup_intent",
    "application": None,
    "automatic_payment_methods": None,
    "cancellation_reason": None,
    "flow_directions": None,
    "last_setup_error": None,
    "latest_attempt": None,
    "livemode": False,
    "mandate": None,
    "next_action": None,
    "on_behalf_of": None,
    "payment_method_options": None,
    "single_use_mandate": None,
}


def create(world: World, params: Obj) -> Obj:
    """Stores an intent; with `confirm` the card is attached to the customer at once, or refuses (402)."""
    if "customer" in params:
        world.get("customer", params["customer"], "customer")
    ident = new_id("seti")
    intent = _BLANK | {
        "id": ident,
        "client_secret": f"{ident}_secret_{new_id('x', 20)[2:]}",
        "created": world.now(params.get("customer")),
        "customer": params.get("customer"),
        "description": params.get("description"),
        "metadata": params.get("metadata", {}),
        "payment_method": params.get("payment_method"),
        "payment_method_types": params.get("payment_method_types", ["card"]),
        "status": "requires_confirmation" if "payment_method" in params else "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    world.create(intent, event="setup_intent.created")
    if params.get("confirm"):
        _confirm(world, ident)
    return world.get("setup_intent", ident)


def create_intent(call: Call) -> Obj:
    """Creates an intent."""
    return call.world.render(create(call.world, call.params))


def _confirm(world: World, ident: str) -> None:
    intent = world.get("setup_intent", ident)
    if not intent["payment_method"]:
        raise missing("payment_method")
    card = intent["payment_method"]
    if intent["customer"]:
        found = world.store.find(card, "payment_method")
        if found and found["customer"] is None:
            payment_methods.attach(world, card, intent["customer"])
        card = customers.own_card(world, intent["customer"], card)
    intent |= {"payment_method": card, "status": "succeeded"}
    world.store.update(intent)
    world.emit("setup_intent.succeeded", world.render(intent))


def cancel_intent(call: Call) -> Obj:
    """Cancels an intent that has not succeeded."""
    intent = call.world.get("setup_intent", call.ids["intent"])
    if intent["status"] in ("succeeded", "canceled"):
        raise wrong_state(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        )
    intent |= {"status": "canceled", "cancellation_reason": call.params.get("cancellation_reason")}
    call.world.store.update(intent)
    call.world.emit("setup_intent.canceled", call.world.render(intent))
    return call.world.render(intent)


_REASON = {"cancellation_reason": one_of("abandoned", "duplicate", "requested_by_customer")}
ROUTES = [
    Route("POST", "/v1/setup_intents", create_intent, _CREATE),
    Route("GET", "/v1/setup_intents", listing("setup_intent", "customer"), {**forms.LIST, "customer": text}),
    Route("GET", "/v1/setup_intents/{intent}", retrieve("setup_intent", "intent")),
    Route("POST", "/v1/setup_intents/{intent}/cancel", cancel_intent, _REASON),
]
