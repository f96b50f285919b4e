"""How stored objects look from outside: nested lists and addresses are filled in when they are shown."""

from collections.abc import Callable
from typing import Any

from standins.stripe.store import Obj, Store

Renderer = Callable[[Store, str, Obj], Obj]


class Folded(dict[str, Any]):
    """An object with members that are shown only when `expand` asks for them."""

    hidden: Obj


def folded(shown: Obj, **hidden: Any) -> Obj:
    """The object without the members that have to be asked for; those that are None do not come even then."""
    made = Folded(shown)
    made.hidden = hidden
    return made


def unfolded(node: Any) -> Any:
    """The object with everything that could be asked for: what a change is told by."""
    if not isinstance(node, dict):
        return node
    hidden = node.hidden if isinstance(node, Folded) else {}
    return {
        name: unfolded(value)
        for name, value in {**node, **hidden}.items()
        if name in node or value is not None
    }


def page(data: list[Obj], url: str, has_more: bool = False) -> Obj:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def render(store: Store, base_url: str, obj: Obj) -> Obj:
    """The public members of an object, with its nested lists (first ten entries)."""
    shown = {name: value for name, value in obj.items() if not name.startswith("_")}
    fill = _RENDERERS.get(obj["object"])
    if fill:
        shown |= fill(store, base_url, obj)
    return folded(shown, tiers=obj.get("_tiers")) if obj["object"] == "price" else shown


def _nested(store: Store, base_url: str, kind: str, obj: Obj, url: str) -> Obj:
    rows = [render(store, base_url, row) for row in store.children(kind, obj["id"])]
    return page(rows[:10], url, len(rows) > 10)


def _subscription(store: Store, base_url: str, obj: Obj) -> Obj:
    url = f"/v1/subscription_items?subscription={obj['id']}"
    return {"items": _nested(store, base_url, "subscription_item", obj, url)}


def _item(store: Store, base_url: str, obj: Obj) -> Obj:
    price = store.find(obj["price"], "price")
    return {"price": render(store, base_url, price) if price else None}


def _invoice(store: Store, base_url: str, obj: Obj) -> Obj:
    shown: Obj = {"lines": _nested(store, base_url, "line_item", obj, f"/v1/invoices/{obj['id']}/lines")}
    if obj["status"] not in ("draft", None):
        shown["hosted_invoice_url"] = f"{base_url}/i/{obj['_token']}"
        shown["invoice_pdf"] = f"{base_url}/i/{obj['_token']}/pdf"
    return shown


def _credit_note(store: Store, base_url: str, obj: Obj) -> Obj:
    url = f"/v1/credit_notes/{obj['id']}/lines"
    lines = _nested(store, base_url, "credit_note_line_item", obj, url)
    return {"lines": lines, "pdf": f"{base_url}/c/{obj['_token']}/pdf"}


def _session(store: Store, base_url: str, obj: Obj) -> Obj:
    return {"url": f"{base_url}/p/session/{obj['_token']}"}


def _configuration(store: Store, base_url: str, obj: Obj) -> Obj:
    features = obj["features"]
    change = {name: value for name, value in features["subscription_update"].items() if name != "products"}
    products = features["subscription_update"].get("products", [])
    return {"features": features | {"subscription_update": folded(change, products=products)}}


_RENDERERS: dict[str, Renderer] = {
    "subscription": _subscription,
    "subscription_item": _item,
    "invoice": _invoice,
    "credit_note": _credit_note,
    "billing_portal.configuration": _configuration,
    "billing_portal.session": _session,
}
