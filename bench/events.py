"""Stripe's events, signed as Stripe signs them, and the same bodies for the floor."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping

from bench.load import make_request
from bench.rig import SECRET

MOST_IN_A_ROUND = 5000  # so many are signed beforehand; a faster round ends early
CUSTOMER = {"id": "cus_bench", "object": "customer", "livemode": False, "description": "x" * 1200}


def supply(make: Callable[[], bytes], count: int = MOST_IN_A_ROUND) -> Iterator[bytes]:
    """So many requests, made beforehand."""
    return iter([make() for _ in range(count)])


def stripe_event() -> bytes:
    """A signed event about a customer, with an id of its own."""
    body = event_body("customer.updated", CUSTOMER)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body)}
    return make_request("/webhooks/stripe", method="POST", headers=headers, body=body)


def floor_write() -> bytes:
    """The same body for the floor."""
    body = event_body("customer.updated", CUSTOMER)
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": mac}
    return make_request("/write", method="POST", headers=headers, body=body)


def event_body(kind: str, found: Mapping[str, object]) -> bytes:
    """An event about an object; about the customer above it has 1.5 KB, as `customer.updated` has."""
    made: dict[str, object] = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": kind}
    made |= {"livemode": False, "created": int(time.time()), "data": {"object": found}}
    return json.dumps(made).encode()


def signature(body: bytes) -> str:
    """As Stripe signs: HMAC-SHA256 over `time.body`."""
    now = int(time.time())
    mac = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={mac}"
