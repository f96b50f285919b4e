"""Test clocks, and what happens as time passes: renewals, payments and their retries, due dates."""

from collections.abc import Callable, Iterator

from standins.stripe import forms
from standins.stripe.errors import invalid
from standins.stripe.forms import integer, text
from standins.stripe.resources import invoice_engine, standing, subscription_engine
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

Due = tuple[int, Callable[[World], object]]
_KIND = "test_helpers.test_clock"


def run_until(world: World, clock: str | None, target: int) -> None:
    """Does what is due for the customers of this clock (None: of the wall's) up to `target`, in order.

    A test clock shows the time of each step while it is done, so objects are dated as if lived through.
    """
    while True:
        due = [entry for entry in _due(world, clock) if entry[0] <= target]
        if not due:
            break
        at, step = min(due, key=lambda entry: entry[0])
        if clock:
            _set(world, clock, max(at, world.get(_KIND, clock)["frozen_time"]))
        step(world)
    if clock:
        _set(world, clock, target)


def _set(world: World, clock: str, at: int) -> None:
    world.store.update(world.get(_KIND, clock) | {"frozen_time": at})


def _due(world: World, clock: str | None) -> Iterator[Due]:
    for customer in world.store.all("customer"):
        if customer["test_clock"] != clock or customer.get("_deleted"):
            continue
        for subscription in world.store.all("subscription", customer["id"]):
            yield from _subscription(world, subscription)
        for invoice in world.store.all("invoice", customer["id"]):
            yield from _invoice(invoice)


def _subscription(world: World, subscription: Obj) -> Iterator[Due]:
    ident = subscription["id"]
    if subscription["status"] == "incomplete":
        yield (
            subscription["created"] + subscription_engine.INCOMPLETE_LIFE,
            lambda world: subscription_engine.expire(world, ident),
        )
    elif subscription["status"] not in standing.OVER:
        yield (
            subscription_engine.period_of(world, ident)[1],
            lambda world: subscription_engine.renew(world, ident),
        )


def _invoice(invoice: Obj) -> Iterator[Due]:
    ident, status = invoice["id"], invoice["status"]
    if status == "draft" and invoice["automatically_finalizes_at"]:
        yield invoice["automatically_finalizes_at"], lambda world: _finalize(world, ident)
    if status == "open" and invoice["next_payment_attempt"]:
        yield invoice["next_payment_attempt"], lambda world: _retry(world, ident)
    if status == "open" and invoice["due_date"] and not invoice.get("_overdue"):
        yield invoice["due_date"], lambda world: invoice_engine.mark_overdue(world, ident)


def _retry(world: World, ident: str) -> None:
    refusal = invoice_engine.attempt(world, ident, is_automatic=True)
    invoice = world.get("invoice", ident)
    subscription = standing.subscription_of(invoice)
    if refusal and subscription and invoice["next_payment_attempt"] is None:
        subscription_engine.give_up(world, subscription)


def _finalize(world: World, ident: str) -> None:
    subscription_engine.charge_first(world, invoice_engine.finalize(world, ident))


def create_clock(call: Call) -> Obj:
    """Creates a clock at any time, also one that has passed."""
    now = call.world.now()
    clock: Obj = {
        "id": new_id("clock"),
        "object": _KIND,
        "created": now,
        "deletes_after": now + 30 * 86_400,
        "frozen_time": call.params["frozen_time"],
        "livemode": False,
        "name": call.params.get("name"),
        "status": "ready",
        "status_details": {},
    }
    return call.world.render(call.world.create(clock, event=f"{_KIND}.created"))


def advance_clock(call: Call) -> Obj:
    """Moves a clock forward. The answer says `advancing`, as Stripe's does; the work is done when it comes.

    Unlike Stripe's, a clock may go more than two billing periods at once.
    """
    world, ident, target = call.world, call.ids["test_clock"], call.params["frozen_time"]
    clock = world.get(_KIND, ident)
    if target <= clock["frozen_time"]:
        raise invalid("frozen_time", "A test clock can only be advanced to a later time.")
    details = {"advancing": {"target_frozen_time": target}}
    moving = clock | {"status": "advancing", "status_details": details}
    world.emit(f"{_KIND}.advancing", world.render(moving))
    run_until(world, ident, target)
    world.emit(f"{_KIND}.ready", world.render(world.get(_KIND, ident)))
    return world.render(moving)


def delete_clock(call: Call) -> Obj:
    """Deletes a clock together with its customers."""
    world, ident = call.world, call.ids["test_clock"]
    clock = world.get(_KIND, ident)
    for customer in world.store.all("customer"):
        if customer["test_clock"] == ident:
            for kind in ("subscription", "subscription_schedule", "invoice", "payment_method", "tax_id"):
                for row in world.store.all(kind, customer["id"]):
                    world.store.remove(row["id"])
            world.store.update(customer | {"_deleted": True})
    return world.delete(clock, f"{_KIND}.deleted")


_ALL = "/v1/test_helpers/test_clocks"
ROUTES = [
    Route("POST", _ALL, create_clock, {"frozen_time": integer, "name": text}, ("frozen_time",)),
    Route("GET", _ALL, listing(_KIND), forms.LIST),
    Route("GET", _ALL + "/{test_clock}", retrieve(_KIND, "test_clock")),
    Route("DELETE", _ALL + "/{test_clock}", delete_clock),
    Route("POST", _ALL + "/{test_clock}/advance", advance_clock, {"frozen_time": integer}, ("frozen_time",)),
]
