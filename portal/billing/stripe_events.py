"""Stripe's events: stored as they come, then handled by reading Stripe again (events come late, twice and mixed up)."""

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from portal.billing.models import EventStatus, StripeEvent
from portal.billing.sync import sync_customer, sync_invoice
from portal.context import stripe
from portal.errors import InvalidInputError
from portal.extensions import db, release_connection
from portal.kit.clock import from_timestamp, utcnow
from portal.kit.work import Schedule, claim_due, lock_claimed

RETRY_SCHEDULE = Schedule((5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
KEPT_PREFIXES = ("customer.", "payment_method.", "invoice.")
NOT_KEPT = ("invoice.upcoming",)
YEAR_9999 = 253_370_764_800


class BadEventError(InvalidInputError):
    """A signed body that is not a Stripe event."""

    status = HTTPStatus.BAD_REQUEST


def store_event(payload: bytes, signature: str) -> None:
    """Verify and store one event, once by its id. The caller commits before answering.

    An event of the other mode (live or test), or of a kind that changes nothing here, is kept as ignored and without
    its content: a portal session's holds an address that opens somebody's billing.
    Raises `BadSignatureError`, `BadEventError`.
    """
    text = stripe().verify_event(payload, signature)
    event = _parse(text)
    is_ours = event["livemode"] == stripe().is_live and _is_kept(event["type"])
    insert = postgres_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    now = utcnow()
    statement = insert(StripeEvent).values(
        id=event["id"],
        type=event["type"],
        livemode=event["livemode"],
        payload=text if is_ours else "{}",
        status=EventStatus.PENDING if is_ours else EventStatus.IGNORED,
        attempts=0,
        created_at=from_timestamp(event["created"]),
        received_at=now,
        next_attempt_at=now if is_ours else None,
    )
    db.session.execute(statement.on_conflict_do_nothing(index_elements=[StripeEvent.id]))


def claim_events(worker: str, limit: int) -> list[StripeEvent]:
    """Claim up to `limit` due events for `worker`; commits."""
    return claim_due(StripeEvent, EventStatus.PENDING, worker, limit)


def handle_event(event_id: str, worker: str) -> None:
    """Bring the mirror up to Stripe's present state for what the event is about, and mark it, in one commit.

    Raises what reading Stripe raises; then nothing was changed and `mark_event_failed` is due.
    """
    event = lock_claimed(StripeEvent, event_id, EventStatus.PENDING, worker)
    if event is None:
        db.session.rollback()
        return
    customer_id, invoice_id = _about(event.type, json.loads(event.payload))
    release_connection()
    if customer_id is None:
        _mark(event_id, worker, EventStatus.IGNORED)
        db.session.commit()
        return
    mark: Callable[[], None] = partial(_mark, event_id, worker, EventStatus.HANDLED)
    if invoice_id is None:
        sync_customer(customer_id, mark)
    else:
        sync_invoice(customer_id, invoice_id, mark)


def mark_event_failed(event_id: str, worker: str, error: str) -> None:
    """Plan the next try, or declare the event dead; part of the caller's transaction."""
    event = lock_claimed(StripeEvent, event_id, EventStatus.PENDING, worker)
    if event is None:
        return
    event.attempts += 1
    event.last_error = error[:500]
    event.claimed_by = event.claimed_until = None
    event.next_attempt_at = RETRY_SCHEDULE.next_attempt(event.attempts, utcnow())
    if event.next_attempt_at is None:
        event.status = EventStatus.DEAD


def _mark(event_id: str, worker: str, status: EventStatus) -> None:
    event = lock_claimed(StripeEvent, event_id, EventStatus.PENDING, worker)
    if event is not None:
        event.status = status
        event.attempts += 1
        event.handled_at = utcnow()
        event.next_attempt_at = event.claimed_by = event.claimed_until = event.last_error = None


def _is_kept(event_type: str) -> bool:
    return event_type.startswith(KEPT_PREFIXES) and event_type not in NOT_KEPT


def _about(event_type: str, event: dict[str, Any]) -> tuple[str | None, str | None]:
    """The customer, and the invoice if it is about one; (None, None) where it names no customer."""
    data = event["data"]["object"]
    if event_type.startswith("invoice."):
        return data.get("customer"), data.get("id")
    if data.get("object") == "customer":
        return data["id"], None
    earlier = event["data"].get("previous_attributes") or {}  # a detached card names its customer only here
    return data.get("customer") or earlier.get("customer"), None


def _parse(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        raise BadEventError("The body is not JSON.") from None
    kinds = {"id": str, "type": str, "livemode": bool, "created": int, "data": dict}
    if not isinstance(event, dict) or any(type(event.get(name)) is not kind for name, kind in kinds.items()):
        raise BadEventError("The body is not a Stripe event.")
    is_short = (
        len(event["id"]) <= 64 and len(event["type"]) <= 80 and (event["id"] + event["type"]).isprintable()
    )
    if (
        not isinstance(event["data"].get("object"), dict)
        or not is_short
        or not 0 < event["created"] < YEAR_9999
    ):
        raise BadEventError("The body is not a Stripe event.")
    return event
