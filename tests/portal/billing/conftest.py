"""Readings of Stripe to put into the double, and events as Stripe sends them."""

import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from portal.billing.stripe_events import store_event
from portal.extensions import db
from portal.gateways.stripe_objects import InvoiceSnapshot, LineSnapshot
from tests.conftest import WEBHOOK_SECRET

CREATED = 1_790_000_000


def signature(payload: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """A `Stripe-Signature` header for `payload`."""
    moment = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + payload, sha256).hexdigest()
    return f"t={moment},v1={mac}"


def event(kind: str, obj: dict[str, Any], event_id: str = "evt_1", **more: Any) -> bytes:
    """The body of an event."""
    data = {"object": obj, **more.pop("data", {})}
    return json.dumps(
        {"id": event_id, "type": kind, "livemode": False, "created": CREATED, "data": data, **more}
    ).encode()


def invoice_snapshot(**more: Any) -> InvoiceSnapshot:
    """An open invoice of Acme over 119 euros."""
    values: dict[str, Any] = {
        "id": "in_1",
        "customer_id": "cus_acme",
        "number": "S-1",
        "status": "open",
        "description": "",
        "currency": "eur",
        "subtotal_minor": 10_000,
        "discount_minor": 0,
        "tax_minor": 1_900,
        "total_minor": 11_900,
        "paid_minor": 0,
        "due_minor": 11_900,
        "attempts": 0,
        "next_attempt_at": None,
        "issued_at": datetime(2026, 10, 1, tzinfo=UTC),
        "due_at": None,
        "paid_at": None,
        "hosted_url": "https://invoice.stripe.com/i/1",
        "pdf_url": "https://pay.stripe.com/1.pdf",
        "lines": (LineSnapshot("Pro", 5, 2_000, 10_000),),
    }
    return InvoiceSnapshot(**{**values, **more})


@pytest.fixture
def receive() -> Callable[..., None]:
    """Store and commit one event, signed as Stripe does."""

    def store(kind: str, obj: dict[str, Any], event_id: str = "evt_1", **more: Any) -> None:
        body = event(kind, obj, event_id, **more)
        store_event(body, signature(body))
        db.session.commit()

    return store
