"""The controls for tests and the demo, under /_control: JSON, no authentication, for loopback only."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from standins.stripe.deliveries import Manner
from standins.stripe.errors import ApiError, invalid, missing
from standins.stripe.faults import MODES, Fault
from standins.stripe.resources import payments
from standins.stripe.resources.endpoints import new_endpoint
from standins.stripe.store import Obj
from standins.stripe.world import AFTER_LAST_RETRY

if TYPE_CHECKING:
    from standins.stripe.server import StandIn


def handle(app: StandIn, request: Request) -> Response:
    """Answers one control request."""
    action = _ACTIONS.get((request.method, request.path.removeprefix("/_control/")))
    if action is None:
        return _json({"error": "no such control"}, 404)
    try:
        body = request.get_json(silent=True) or {}
        if request.path in _ALONE:
            return _json(action(app, request, body))
        with app.lock, app.store.transaction():
            return _json(action(app, request, body))
    except ApiError as error:
        return _json(error.body(), error.status)
    except TypeError as error:
        return _json({"error": str(error)}, 400)


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body, indent=2), status, mimetype="application/json")


def _health(app: StandIn, request: Request, body: Obj) -> Any:
    return {"ok": True}


def _add_webhook(app: StandIn, request: Request, body: Obj) -> Any:
    for name in ("url", "secret"):
        if not body.get(name):
            raise missing(name)
    for known in app.store.all("webhook_endpoint"):
        if known["url"] == body["url"]:
            app.store.update(known | {"_secret": body["secret"]})
            return app.world.render(known)
    return app.world.render(new_endpoint(app.world, body["url"], ["*"], body["secret"]))


def _drop_webhooks(app: StandIn, request: Request, body: Obj) -> Any:
    for old in app.store.all("webhook_endpoint"):
        app.store.remove(old["id"])
    return {"ok": True}


def _faults(app: StandIn, request: Request, body: Obj) -> Any:
    fault = Fault(**body)
    if fault.mode not in MODES:
        raise invalid("mode", f"mode is one of {', '.join(MODES)}")
    app.desk.set(fault)
    return asdict(fault)


def _delivery(app: StandIn, request: Request, body: Obj) -> Any:
    app.courier.manner = Manner(**body)
    return asdict(app.courier.manner)


def _fire(app: StandIn, request: Request, body: Obj) -> Any:
    if not body.get("type"):
        raise missing("type")
    shown = body.get("object")
    if shown is None:
        found = app.store.find(body.get("object_id") or "")
        if found is None:
            raise invalid("object_id", "no object with this id")
        shown = app.world.render(found)
    extra = {name: body[name] for name in ("livemode", "created") if name in body}
    return app.world.emit(body["type"], shown, body.get("previous_attributes"), **extra)


def _requests(app: StandIn, request: Request, body: Obj) -> Any:
    return app.desk.records(request.args.get("since", 0, type=int))


def _clear_requests(app: StandIn, request: Request, body: Obj) -> Any:
    app.desk.clear()
    return {"ok": True}


def _deliveries(app: StandIn, request: Request, body: Obj) -> Any:
    return app.courier.log()


def _expire_sessions(app: StandIn, request: Request, body: Obj) -> Any:
    for session in app.store.all("billing_portal.session"):
        app.store.update(session | {"_expires": 0})
    return {"ok": True}


def _after_last_retry(app: StandIn, request: Request, body: Obj) -> Any:
    if body.get("outcome") not in AFTER_LAST_RETRY:
        raise invalid("outcome", f"outcome is one of {', '.join(AFTER_LAST_RETRY)}")
    app.world.after_last_retry = body["outcome"]
    return {"ok": True}


def _refund(app: StandIn, request: Request, body: Obj) -> Any:
    for name in ("charge", "amount"):
        if not body.get(name):
            raise missing(name)
    return app.world.render(payments.refund(app.world, body["charge"], body["amount"]))


def _reset(app: StandIn, request: Request, body: Obj) -> Any:
    with app.lock:
        app.store.clear()
    app.desk.clear()
    app.desk.set(Fault())
    app.courier.manner = Manner()
    app.world.after_last_retry = AFTER_LAST_RETRY[0]
    return {"ok": True}


_ALONE = {"/_control/reset", "/_control/health", "/_control/deliveries"}
_ACTIONS = {
    ("GET", "health"): _health,
    ("POST", "webhooks"): _add_webhook,
    ("DELETE", "webhooks"): _drop_webhooks,
    ("POST", "faults"): _faults,
    ("POST", "delivery"): _delivery,
    ("POST", "fire"): _fire,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "deliveries"): _deliveries,
    ("POST", "sessions/expire"): _expire_sessions,
    ("POST", "after-last-retry"): _after_last_retry,
    ("POST", "refunds"): _refund,
    ("POST", "reset"): _reset,
}
