"""State, time and events: what every resource works with."""

import copy
import secrets
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from standins.stripe.errors import not_found
from standins.stripe.render import render, unfolded
from standins.stripe.store import Obj, Store

API_VERSION = "2026-05-27.dahlia"
AFTER_LAST_RETRY = ("past_due", "unpaid", "cancel")
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """An id in Stripe's style: `cus_...`."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(length))


class World:
    """One account's objects. Used under one lock, inside one store transaction."""

    def __init__(self, store: Store, base_url: str) -> None:
        self.store = store
        self.base_url = base_url
        self.cause: Obj | None = None
        self._moved_to: int | None = None
        self.after_last_retry = "past_due"  # what the account makes of a subscription then: AFTER_LAST_RETRY

    def now(self, customer: str | None = None) -> int:
        """Unix seconds: the wall's, those of the test clock that the customer lives on, or those of `at`."""
        if self._moved_to is not None:
            return self._moved_to
        owner = self.store.find(customer, "customer") if customer else None
        if owner and owner.get("test_clock"):
            return int(self.get("test_helpers.test_clock", owner["test_clock"])["frozen_time"])
        return int(time.time())

    @contextmanager
    def at(self, moment: int) -> Iterator[None]:
        """What is done inside is done as if it were this time: for previews."""
        self._moved_to = moment
        try:
            yield
        finally:
            self._moved_to = None

    def get(self, kind: str, ident: str, param: str = "id") -> Obj:
        """The object, or an ApiError: 404 for the id in the path, 400 for one in the body."""
        found = self.store.find(ident, kind)
        if found is None or found.get("_deleted"):
            raise not_found(kind, ident, param, 404 if param == "id" else 400)
        return found

    def render(self, obj: Obj) -> Obj:
        """The object as the API shows it."""
        return render(self.store, self.base_url, obj)

    def create(self, obj: Obj, *, parent: str | None = None, event: str | None = None) -> Obj:
        """Stores a new object and tells the endpoints."""
        self.store.insert(obj, parent)
        if event:
            self.emit(event, self.render(obj))
        return obj

    @contextmanager
    def changing(self, kind: str, ident: str, event: str | None = None) -> Iterator[Obj]:
        """Loads an object, lets it be changed, stores it; emits the event if something visible changed."""
        obj = self.get(kind, ident)
        before = unfolded(self.render(copy.deepcopy(obj)))
        yield obj
        self.store.update(obj)
        after = self.render(obj)
        previous = difference(before, unfolded(after))
        if event and set(previous) - {"updated"}:
            self.emit(event, after, previous)

    def delete(self, obj: Obj, event: str | None = None) -> Obj:
        """Removes an object; gives what the API answers."""
        if event:
            self.emit(event, self.render(obj))
        self.store.remove(obj["id"])
        return {"id": obj["id"], "object": obj["object"], "deleted": True}

    def emit(self, kind: str, obj: Obj, previous: Obj | None = None, **extra: Any) -> Obj:
        """Records an event and queues it for every endpoint that listens. Its time is the wall's."""
        data: Obj = {"object": obj}
        if previous is not None:
            data["previous_attributes"] = previous
        listeners = [end for end in self.store.all("webhook_endpoint") if _listens(end, kind)]
        event: Obj = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "data": data,
            "livemode": False,
            "pending_webhooks": len(listeners),
            "request": self.cause or {"id": None, "idempotency_key": None},
            "type": kind,
        } | extra
        self.store.insert(event, None)
        for endpoint in reversed(listeners):
            self.store.db.execute(
                "insert into deliveries (event_id, endpoint_id, due) values (?, ?, ?)",
                (event["id"], endpoint["id"], time.time()),
            )
        return event


def _listens(endpoint: Obj, kind: str) -> bool:
    return endpoint["status"] == "enabled" and not {"*", kind}.isdisjoint(endpoint["enabled_events"])


def difference(before: Obj, after: Obj) -> Obj:
    """What `previous_attributes` holds: the old values of changed members; hashes by member, arrays whole."""
    changed: Obj = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        both = isinstance(old, dict) and isinstance(new, dict)
        changed[name] = difference(old, new) if both and old and new and name != "items" else old
    return changed
