"""Stripe's events: stored as they come, then handled by reading Stripe again (events come late, twice and mixed up)."""

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from sqlalchemy import Select, select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.billing.models import EventStatus, StripeEvent
from portal.billing.sync import sync_customer, sync_invoice
from portal.context import stripe
from portal.errors import ConflictError, InvalidInputError, or_not_found
from portal.extensions import db, insert_into, release_connection
from portal.identity.models import Organization
from portal.kit.clock import from_timestamp, utcnow
from portal.kit.work import RETRY_SCHEDULE, claim_due, lock_claimed
from portal.permissions import StaffRole

KEPT_PREFIXES = ("customer.", "payment_method.", "invoice.")
NOT_KEPT = ("invoice.upcoming",)
YEAR_9999 = 253_370_764_800
LONGEST_CUSTOMER = 64


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
    now = utcnow()
    statement = insert_into(StripeEvent).values(
        id=event["id"],
        type=event["type"],
        livemode=event["livemode"],
        payload=text if is_ours else "{}",
        customer_id=_customer(event),
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


def replay_event(actor: Actor, event_id: str, reason: str) -> StripeEvent:
    """Staff have an event of the actor's organization handled again, from its first try.

    Raises `ForbiddenError`, `InvalidInputError` (reason), `NotFoundError`, and `ConflictError` for one that waits
    already and for one that was kept without its content.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    event = or_not_found(db.session.scalar(_event_of(actor.organization, event_id)))
    if event.status is EventStatus.PENDING:
        raise ConflictError("This event waits to be handled already.")
    if event.status is EventStatus.IGNORED:
        raise ConflictError("This event changes nothing here, so its content was not kept.")
    before = {"status": event.status.value}
    event.status, event.attempts, event.next_attempt_at = EventStatus.PENDING, 0, utcnow()
    event.claimed_by = event.claimed_until = event.handled_at = event.last_error = None
    db.session.flush()
    what = Change("stripe_event", event.id, event.type, before, {"status": event.status.value})
    record(actor, Action.STRIPE_EVENT_REPLAYED, what, reason=reason)
    return event


def _event_of(organization_id: str, event_id: str) -> Select[StripeEvent]:
    """The event if it is about the organization's customer, locked for a change."""
    return (
        select(StripeEvent)
        .join(Organization, Organization.stripe_customer_id == StripeEvent.customer_id)
        .where(Organization.id == organization_id, StripeEvent.id == event_id)
        .with_for_update(of=StripeEvent)
        .execution_options(populate_existing=True)
    )


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


def _customer(event: dict[str, Any]) -> str | None:
    """The customer to find the event by; None for whatever else a signed body may hold in its place."""
    try:
        found, _ = _about(event["type"], event)
    except (AttributeError, KeyError):
        return None
    is_id = isinstance(found, str) and len(found) <= LONGEST_CUSTOMER and found.isprintable()
    return found if is_id else None


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
