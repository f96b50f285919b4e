"""The WSGI application: the API under /v1, the customer's pages, the controls, one lock around the state."""

import hashlib
import json
import threading
import time
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from standins.serving import drop
from standins.stripe import control, forms
from standins.stripe.deliveries import Courier
from standins.stripe.errors import ApiError
from standins.stripe.faults import Desk, Fault, Record
from standins.stripe.pages import handle as handle_page
from standins.stripe.resources import ROUTES
from standins.stripe.resources.clocks import run_until
from standins.stripe.routes import Call, Route, expand
from standins.stripe.store import Store
from standins.stripe.world import API_VERSION, World, new_id


class StandIn:
    """One account of the stand-in, served over HTTP."""

    def __init__(self, state: str, base_url: str, secret_key: str) -> None:
        self.lock = threading.RLock()
        self.store = Store(state)
        self.world = World(self.store, base_url)
        self.courier = Courier(self.store, self.lock)
        self.desk = Desk()
        self.secret_key = secret_key

    def start(self) -> None:
        """Starts the deliveries and the passing of time for customers without a test clock."""
        self.courier.start()
        threading.Thread(target=self._tick, name="tick", daemon=True).start()

    def _tick(self) -> None:
        while True:
            with self.lock, self.store.transaction():
                run_until(self.world, None, int(time.time()))
            self.courier.wake()
            time.sleep(20)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        request = Request(environ)
        if request.path.startswith("/_control/"):
            response = control.handle(self, request)
        elif request.path.startswith("/v1/"):
            response = self._api(request)
        else:
            response = self._page(request)
        if request.method != "GET":  # what is only read sends nothing
            self.courier.wake()
        return response(environ, start_response)

    def _page(self, request: Request) -> Response:
        with self.lock, self.store.transaction():
            return handle_page(self.world, request)

    def _api(self, request: Request) -> Response:
        form = request.args if request.method in ("GET", "DELETE") else request.form
        pairs = list(form.items(multi=True))
        record = self.desk.note(
            request.method,
            request.path,
            pairs,
            request.headers.get("Idempotency-Key"),
            request.headers.get("Stripe-Version"),
        )
        fault = self.desk.take(request.path)
        record.fault = None if fault.mode == "ok" else fault.mode
        if fault.mode == "reset":
            drop(request)
        if fault.mode == "hang":
            time.sleep(fault.seconds)
        response = _broken(fault) or self._answer(request, pairs, record)
        record.status = response.status_code
        if fault.mode == "reset_after":
            drop(request)
        return response

    def _answer(self, request: Request, pairs: list[tuple[str, str]], record: Record) -> Response:
        try:
            self._authenticate(request)
            record.body = forms.decode(pairs)
            with self.lock:
                return self._act(request, pairs, record.body)
        except ApiError as error:
            return _json(error.body(), error.status, new_id("req", 14))

    def _authenticate(self, request: Request) -> None:
        auth = request.authorization
        key = (auth.token or auth.username) if auth else None
        if not key:
            raise ApiError("You did not provide an API key.", status=401)
        if key != self.secret_key:
            raise ApiError(f"Invalid API Key provided: {key[:8]}****", status=401)
        version = request.headers.get("Stripe-Version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(f"This stand-in speaks API version {API_VERSION}, not {version}.")

    def _act(self, request: Request, pairs: list[tuple[str, str]], tree: dict[str, Any]) -> Response:
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        mark = hashlib.sha256(json.dumps([request.path, sorted(pairs)]).encode()).hexdigest()
        if key and (earlier := self._replay(key, mark)):
            return earlier
        request_id = new_id("req", 14)
        self.world.cause = {"id": request_id, "idempotency_key": key}
        try:
            with self.store.transaction():
                status, body = self._run(request, tree)
                text = json.dumps(body)
                if key:
                    self.store.db.execute(
                        "insert into answers values (?, ?, ?, ?, ?)", (key, mark, status, request_id, text)
                    )
        finally:
            self.world.cause = None
        return _json(body, status, request_id, {"Idempotency-Key": key} if key else {})

    def _run(self, request: Request, tree: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        route, ids = _match(request.method, request.path)
        call = Call(self.world, request.path, ids, forms.parse(tree, route.fields, route.required))
        try:
            body = route.handler(call)
            expand(self.world, body, call.params.get("expand", []))
        except ApiError as error:
            if not error.keep:
                raise
            return error.status, error.body()
        return 200, body

    def _replay(self, key: str, mark: str) -> Response | None:
        query = "select request, status, request_id, body from answers where key = ?"
        row = self.store.db.execute(query, (key,)).fetchone()
        if row is None:
            return None
        if row[0] != mark:
            message = "This idempotency key was first used with other parameters."
            raise ApiError(message, kind="idempotency_error")
        headers = {"Idempotency-Key": key, "Idempotent-Replayed": "true"}
        return _json(json.loads(row[3]), row[1], row[2], headers)


def _match(method: str, path: str) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        found = route.pattern.match(path) if route.method == method else None
        if found:
            return route, found.groupdict()
    raise ApiError(f"Unrecognized request URL ({method}: {path}).", status=404)


def _broken(fault: Fault) -> Response | None:
    wait = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.mode == "429":
        error = ApiError("Too many requests in a short time.", status=429, code="rate_limit")
        return _json(error.body(), 429, new_id("req", 14), wait)
    if fault.mode == "500":
        error = ApiError("An unknown error occurred.", status=500, kind="api_error")
        return _json(error.body(), 500, new_id("req", 14), wait)
    if fault.mode == "html":
        return Response("<html><body><h1>502 Bad Gateway</h1></body></html>", 502, mimetype="text/html")
    return None


def _json(
    body: dict[str, Any], status: int, request_id: str, headers: dict[str, str] | None = None
) -> Response:
    response = Response(json.dumps(body), status, mimetype="application/json")
    response.headers.update({"Request-Id": request_id, "Stripe-Version": API_VERSION, **(headers or {})})
    return response
