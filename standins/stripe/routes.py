"""What the API does: routes, the call that a handler gets, lists and expansion."""

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from standins.stripe import forms
from standins.stripe.errors import ApiError, invalid, not_found
from standins.stripe.forms import Fields
from standins.stripe.render import Folded, page
from standins.stripe.store import Obj
from standins.stripe.world import World


@dataclass
class Call:
    """One request that passed every check of form."""

    world: World
    path: str
    ids: dict[str, str]
    params: Obj


EXPAND = forms.list_of(forms.text)
Handler = Callable[[Call], Obj]


@dataclass
class Route:
    """A method, a path with `{names}`, the parameters it takes and what it does."""

    method: str
    path: str
    handler: Handler
    fields: Fields = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + "$")
        if self.method != "DELETE":
            self.fields = {**self.fields, "expand": EXPAND}


def retrieve(kind: str, name: str) -> Handler:
    """The handler that answers one object by the id in the path."""
    return lambda call: call.world.render(call.world.get(kind, call.ids[name]))


def listing(kind: str, *filters: str, parent: str | None = None) -> Handler:
    """The handler that answers a page of objects with equal members, below `parent` (an id in the path)."""

    def handler(call: Call) -> Obj:
        rows = call.world.store.all(kind, call.ids[parent] if parent else None)
        rows = [row for row in rows if matches(row, call.params, filters)]
        return paginate(call, rows)

    return handler


def matches(row: Obj, params: Obj, filters: Sequence[str]) -> bool:
    """Whether a row is not deleted, has the members asked for and lies in the `created` range."""
    if row.get("_deleted") or any(name in params and row.get(name) != params[name] for name in filters):
        return False
    bounds = params.get("created", {})
    created = row.get("created", 0)
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](bound) for name, bound in bounds.items())


def paginate(call: Call, rows: list[Obj]) -> Obj:
    """A page of rows by `limit`, `starting_after` and `ending_before`."""
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("limit", "This value must be between 1 and 100 inclusive.", "parameter_invalid_integer")
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid("ending_before", "You can't use both starting_after and ending_before.")
    if before:
        rows = rows[: _position(rows, before, "ending_before")]
        chosen, more = rows[-limit:], len(rows) > limit
    else:
        rows = rows[_position(rows, after, "starting_after") + 1 :] if after else rows
        chosen, more = rows[:limit], len(rows) > limit
    return page([call.world.render(row) for row in chosen], call.path, more)


def _position(rows: list[Obj], ident: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == ident:
            return index
    raise not_found("object", ident, param, 400)


def expand(world: World, answer: Obj, paths: Iterable[str]) -> None:
    """Replaces ids by objects along each dotted path. Raises ApiError for a path that leads nowhere."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > 4:
            raise invalid("expand", f"You cannot expand more than 4 levels of a property. Property: {path}")
        _expand(world, answer, parts, path)


def _expand(world: World, node: Any, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for entry in node:
            _expand(world, entry, parts, path)
        return
    if not parts or node is None:
        return
    name = parts[0]
    if not isinstance(node, dict) or (name not in node and not _include(world, node, name)):
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    if name not in node:
        return
    if isinstance(node[name], str):
        node[name] = _whole(world, node[name], path)
    elif isinstance(node[name], list):
        node[name] = [_whole(world, row, path) if isinstance(row, str) else row for row in node[name]]
    _expand(world, node[name], parts[1:], path)


def _whole(world: World, ident: str, path: str) -> Obj:
    found = world.store.find(ident)
    if found is None:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    return world.render(found)


_INCLUDED = {
    ("customer", "subscriptions"): ("subscription", "/v1/customers/{}/subscriptions"),
    ("charge", "refunds"): ("refund", "/v1/charges/{}/refunds"),
    ("customer", "tax_ids"): ("tax_id", "/v1/customers/{}/tax_ids"),
    ("invoice", "payments"): ("invoice_payment", "/v1/invoice_payments?invoice={}"),
}


def _include(world: World, node: Obj, name: str) -> bool:
    found = _INCLUDED.get((node.get("object", ""), name))
    if found:
        rows = [row for row in world.store.all(found[0], node["id"]) if row.get("status") != "canceled"]
        node[name] = page(
            [world.render(row) for row in rows[:10]], found[1].format(node["id"]), len(rows) > 10
        )
    elif isinstance(node, Folded) and name in node.hidden:
        if node.hidden[name] is not None:
            node[name] = copy.deepcopy(node.hidden[name])
        return True
    return found is not None
