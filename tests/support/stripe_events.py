"""Readings of Stripe to put into the double, and events as Stripe sends them."""

import hmac
import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from portal.gateways.stripe_objects import CreditNoteSnapshot, InvoiceSnapshot, LineSnapshot
from portal.stripe_mirror.readings import Scope
from portal.stripe_mirror.sync import sync
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


def sync_invoice(customer_id: str, invoice_id: str) -> bool:
    """What an event about an invoice has read and written."""
    return sync(customer_id, Scope(invoices=frozenset({invoice_id})))


def credit_note_snapshot(**more: Any) -> CreditNoteSnapshot:
    """A credit note over 20 euros for that invoice."""
    values: dict[str, Any] = {
        "id": "cn_1",
        "customer_id": "cus_acme",
        "invoice_id": "in_1",
        "number": "S-1-CN-01",
        "status": "issued",
        "reason": "order_change",
        "currency": "eur",
        "total_minor": 2_000,
        "pdf_url": "https://pay.stripe.com/cn_1.pdf",
        "issued_at": datetime(2026, 10, 3, tzinfo=UTC),
    }
    return CreditNoteSnapshot(**{**values, **more})
