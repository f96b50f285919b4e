"""Webhook endpoints and events."""

import secrets

from standins.stripe import forms
from standins.stripe.forms import boolean, clearable, list_of, text, time_range
from standins.stripe.routes import Call, Route, listing, matches, paginate, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import API_VERSION, World, new_id

_CHANGES: dict[str, forms.Check] = {
    "description": clearable(text),
    "disabled": boolean,
    "enabled_events": list_of(text),
    "metadata": forms.metadata,
    "url": forms.url,
}


def new_endpoint(world: World, url: str, enabled_events: list[str], secret: str | None = None) -> Obj:
    """Stores an endpoint; its secret is made up when none is given."""
    return world.create(
        {
            "id": new_id("we"),
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": None,
            "created": world.now(),
            "description": None,
            "enabled_events": enabled_events,
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secret": secret or f"whsec_{secrets.token_urlsafe(24)}",
        }
    )


def create_endpoint(call: Call) -> Obj:
    """Creates an endpoint; only this answer shows the secret."""
    endpoint = new_endpoint(call.world, call.params["url"], call.params["enabled_events"])
    _apply(endpoint, call.params)
    call.world.store.update(endpoint)
    return call.world.render(endpoint) | {"secret": endpoint["_secret"]}


def _apply(endpoint: Obj, params: Obj) -> None:
    for name in ("url", "enabled_events", "description"):
        endpoint[name] = params.get(name, endpoint[name])
    endpoint["metadata"] = forms.merged(endpoint["metadata"], params.get("metadata", {}))
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"


def update_endpoint(call: Call) -> Obj:
    """Changes an endpoint, or switches it off and on."""
    with call.world.changing("webhook_endpoint", call.ids["webhook_endpoint"]) as endpoint:
        _apply(endpoint, call.params)
    return call.world.render(endpoint)


def delete_endpoint(call: Call) -> Obj:
    """Deletes an endpoint; what is queued for it is dropped."""
    return call.world.delete(call.world.get("webhook_endpoint", call.ids["webhook_endpoint"]))


def list_events(call: Call) -> Obj:
    """Events, newest first, by type (`customer.*` too) or types."""
    wanted = [*call.params.get("types", []), *filter(None, [call.params.get("type")])]
    rows = [row for row in call.world.store.all("event") if matches(row, call.params, ())]
    return paginate(
        call, [row for row in rows if not wanted or any(_is(row["type"], kind) for kind in wanted)]
    )


def _is(kind: str, wanted: str) -> bool:
    return kind == wanted or (wanted.endswith("*") and kind.startswith(wanted[:-1]))


_ONE = "/v1/webhook_endpoints/{webhook_endpoint}"
ROUTES = [
    Route(
        "POST",
        "/v1/webhook_endpoints",
        create_endpoint,
        {name: check for name, check in _CHANGES.items() if name != "disabled"} | {"api_version": text},
        ("url", "enabled_events"),
    ),
    Route("GET", "/v1/webhook_endpoints", listing("webhook_endpoint"), forms.LIST),
    Route("GET", _ONE, retrieve("webhook_endpoint", "webhook_endpoint")),
    Route("POST", _ONE, update_endpoint, _CHANGES),
    Route("DELETE", _ONE, delete_endpoint),
    Route(
        "GET",
        "/v1/events",
        list_events,
        {**forms.LIST, "type": text, "types": list_of(text), "created": time_range},
    ),
    Route("GET", "/v1/events/{id}", retrieve("event", "id")),
]
