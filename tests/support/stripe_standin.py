"""The Stripe stand-in for tests: a process of its own on a free port, and its controls."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import stripe

from tests.support import stripe_spec
from tests.support.processes import Process, http, wait_until

SECRET_KEY = "sk_test_demo"
API_VERSION = "2026-05-27.dahlia"


class StripeStandin:
    """`with StripeStandin(tmp_path) as standin:`; the state lies in the folder: a second one goes on with it.

    `port` takes a fixed port, for a restart at the same address.
    """

    def __init__(self, folder: Path, *, port: int = 0, secret_key: str = SECRET_KEY) -> None:
        self._folder = folder
        self._port = port
        self._secret_key = secret_key
        self._http = http()
        self.url = ""

    def __enter__(self) -> Self:
        arguments = ["--port", str(self._port), "--state", str(self._folder / "stripe.sqlite")]
        self.process = Process.python(
            "-m",
            "standins.stripe",
            *arguments,
            "--secret-key",
            self._secret_key,
            log=self._folder / "stripe.log",
        )
        self.process.__enter__()
        try:
            self.url = self.process.wait_for_line(r"stripe stand-in listening on (\S+)")[1]
        except BaseException:
            self.process.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.__exit__(kind, error, trace)

    def client(
        self,
        *,
        max_network_retries: int = 0,
        timeout: float = 10.0,
        http_client: stripe.HTTPClient | None = None,
    ) -> stripe.StripeClient:
        """The official client, pointed at the stand-in; resources are under `.v1`."""
        return stripe.StripeClient(
            self._secret_key,
            base_addresses={"api": self.url},
            stripe_version=API_VERSION,
            max_network_retries=max_network_retries,
            http_client=http_client or stripe.RequestsClient(timeout=timeout),
        )

    def set_webhook(self, url: str, secret: str) -> dict[str, Any]:
        """Registers an endpoint for every event with a known secret; the same URL again replaces it."""
        endpoint: dict[str, Any] = self._control("POST", "webhooks", {"url": url, "secret": secret})
        return endpoint

    def drop_webhooks(self) -> None:
        """Removes every endpoint."""
        self._control("DELETE", "webhooks")

    def faults(
        self,
        mode: str = "ok",
        *,
        count: int | None = None,
        path_prefix: str = "/v1/",
        seconds: float = 30.0,
        retry_after: int | None = None,
    ) -> None:
        """How the API misbehaves: ok, 429, 500, hang, reset, reset_after, html. `retry_after` (seconds) goes out
        with 429 and 500."""
        named = {"mode": mode, "count": count, "path_prefix": path_prefix, "seconds": seconds}
        body = named | {"retry_after": retry_after}
        self._control("POST", "faults", body)

    def delivery(
        self,
        *,
        duplicate: int = 0,
        delay_seconds: float = 0.0,
        reorder: bool = False,
        paused: bool = False,
    ) -> None:
        """How webhooks are delivered from now on; what is not named goes back to normal."""
        body = {
            "duplicate": duplicate,
            "delay_seconds": delay_seconds,
            "reorder": reorder,
            "paused": paused,
        }
        self._control("POST", "delivery", body)

    def fire(
        self, kind: str, *, object_id: str | None = None, obj: dict[str, Any] | None = None, **extra: Any
    ) -> dict[str, Any]:
        """Sends any event about a stored object or a given one; `livemode`, `created` and
        `previous_attributes` can be set. Gives the event."""
        named = {"type": kind, "object_id": object_id, "object": obj, **extra}
        body = {name: value for name, value in named.items() if value is not None}
        fired: dict[str, Any] = self._control("POST", "fire", body)
        return fired

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """API requests received: seq, method, path, pairs, body, idempotency_key, stripe_version, fault,
        status."""
        found: list[dict[str, Any]] = self._control("GET", f"requests?since={since}")
        return found

    def clear_requests(self) -> None:
        """Forgets the requests seen."""
        self._control("DELETE", "requests")

    def deliveries(self) -> list[dict[str, Any]]:
        """Webhook deliveries with state (pending, delivered, failed, dropped) and attempts, oldest first."""
        found: list[dict[str, Any]] = self._control("GET", "deliveries")
        return found

    def expire_sessions(self) -> None:
        """Lets every portal session run out."""
        self._control("POST", "sessions/expire")

    def after_last_retry(self, outcome: str) -> None:
        """What a subscription becomes after the last retry of its invoice: past_due, unpaid or cancel."""
        self._control("POST", "after-last-retry", {"outcome": outcome})

    def refund(self, charge_id: str, amount: int) -> dict[str, Any]:
        """Gives back a part of a charge, as one does in Stripe's dashboard; sends charge.refunded."""
        given: dict[str, Any] = self._control("POST", "refunds", {"charge": charge_id, "amount": amount})
        return given

    def reset(self) -> None:
        """Forgets everything: objects, endpoints, faults, requests."""
        self._control("POST", "reset")

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, f"{self.url}/_control/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


class Judge(stripe.RequestsClient):
    """Sends requests as the client does and judges each of them and its answer by Stripe's description.

    `seen` holds method and path of every request. Raises SpecError.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seen: set[tuple[str, str]] = set()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        parts = urlsplit(url)
        form = post_data or parts.query
        pairs = parse_qsl(form, keep_blank_values=True)
        stripe_spec.validate_request(method, parts.path, pairs)
        content, status, received = super().request(method, url, headers, post_data)
        answer = json.loads(content)
        if status < 300:
            stripe_spec.validate_object(answer, strict=True)
        for event in answer.get("data", []) if parts.path == "/v1/events" else []:
            stripe_spec.validate_object(event["data"]["object"], strict=True)
        self.seen.add((method.upper(), parts.path))
        return content, status, received


@dataclass(frozen=True)
class Received:
    """One delivery: the raw body, the Stripe-Signature header and what was answered."""

    body: bytes
    signature: str
    status: int


class Receiver:
    """A webhook endpoint over real HTTP: keeps what arrives, answers with the statuses it is told, then 200.

    `with Receiver() as receiver:` listens on a free port; `receiver.url` is its address.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.answers.pop(0) if receiver.answers else 200
                receiver.received.append(Received(body, self.headers["Stripe-Signature"], status))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Says nothing."""

        return Handler

    def events(self) -> list[dict[str, Any]]:
        """The bodies in the order of arrival, each time that they arrived."""
        return [json.loads(entry.body) for entry in self.received]

    def wait_for(self, kind: str, count: int = 1, *, seconds: float = 20.0) -> list[dict[str, Any]]:
        """The first `count` arrivals of this type."""

        def probe() -> list[dict[str, Any]] | None:
            found = [event for event in self.events() if event["type"] == kind]
            return found[:count] if len(found) >= count else None

        return wait_until(f"{count} of {kind}", probe, seconds=seconds)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
