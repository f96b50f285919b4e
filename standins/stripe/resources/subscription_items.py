"""Subscription items on their own: the same changes as through their subscription."""

from standins.stripe import forms
from standins.stripe.forms import integer, natural, one_of, text
from standins.stripe.resources import subscriptions
from standins.stripe.routes import Call, Route, paginate, retrieve
from standins.stripe.store import Obj

_WAYS: dict[str, forms.Check] = {
    "payment_behavior": one_of("allow_incomplete", "error_if_incomplete"),
    "proration_behavior": one_of("always_invoice", "create_prorations", "none"),
    "proration_date": integer,
}
_ITEM: dict[str, forms.Check] = {"price": text, "quantity": natural, "metadata": forms.metadata}


def _change(call: Call, subscription: str, entry: Obj) -> None:
    ways = {name: value for name, value in call.params.items() if name in _WAYS}
    subscriptions.update(call.world, subscription, {"items": [entry], **ways})


def _given(call: Call) -> Obj:
    return {name: value for name, value in call.params.items() if name in _ITEM}


def create_item(call: Call) -> Obj:
    """Adds an item to a subscription."""
    subscription = call.world.get("subscription", call.params["subscription"], "subscription")
    _change(call, subscription["id"], _given(call))
    newest = call.world.store.children("subscription_item", subscription["id"])[-1]
    return call.world.render(newest)


def update_item(call: Call) -> Obj:
    """Changes price or quantity."""
    item = call.world.get("subscription_item", call.ids["item"])
    _change(call, item["subscription"], {"id": item["id"], **_given(call)})
    return call.world.render(call.world.get("subscription_item", item["id"]))


def delete_item(call: Call) -> Obj:
    """Removes an item; a subscription keeps at least one."""
    item = call.world.get("subscription_item", call.ids["item"])
    _change(call, item["subscription"], {"id": item["id"], "deleted": True})
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def list_items(call: Call) -> Obj:
    """The items of a subscription."""
    subscription = call.world.get("subscription", call.params["subscription"], "subscription")
    return paginate(call, call.world.store.children("subscription_item", subscription["id"]))


_ONE = "/v1/subscription_items/{item}"
_LIST = {**forms.LIST, "subscription": text}
ROUTES = [
    Route(
        "POST",
        "/v1/subscription_items",
        create_item,
        {**_WAYS, **_ITEM, "subscription": text},
        ("subscription", "price"),
    ),
    Route("GET", "/v1/subscription_items", list_items, _LIST, ("subscription",)),
    Route("GET", _ONE, retrieve("subscription_item", "item")),
    Route("POST", _ONE, update_item, {**_WAYS, **_ITEM}),
    Route(
        "DELETE", _ONE, delete_item, {name: _WAYS[name] for name in ("proration_behavior", "proration_date")}
    ),
]
