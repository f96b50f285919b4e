"""Stripe's stored events, handled by reading Stripe again (events come late, twice and mixed up)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial, reduce
from operator import or_

from sqlalchemy import ColumnElement, select, update

from portal.actor import system_actor
from portal.billing.models import PaymentMethod
from portal.billing.queries import organization_by_customer
from portal.database import AnyRow
from portal.extensions import db, release_connection
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.work import RETRY_SCHEDULE, Claim, claim_ids, database_now, lock_claimed, oldest_due
from portal.notifications.events import Event, announce
from portal.stripe_mirror.models import EventStatus, IgnoredBecause, StripeEvent
from portal.stripe_mirror.readings import EVERYTHING, Scope, nothing
from portal.stripe_mirror.sync import sync
from portal.stripe_portal.drift import note_configuration_event

MOST_AT_ONCE = 20
"""Events that one reading settles."""
CLAIM_TRIES = 3
"""Somebody else may claim what was the oldest a moment ago."""
MAXIMUM_ERROR_LENGTH = 500


def claim_events(worker: str) -> list[str]:
    """Claim the oldest due event and what else is due of its customer: one reading settles them; commits.

    Returns their ids; none if nothing is due. A reading that begins after events were stored is no older than what they
    tell of.
    """
    for _ in range(CLAIM_TRIES):
        now = database_now()
        oldest = oldest_due(StripeEvent, EventStatus.PENDING, now, StripeEvent.id, StripeEvent.customer_id)
        if oldest is None:
            break
        of_it = (
            StripeEvent.id == oldest.id
            if oldest.customer_id is None
            else StripeEvent.customer_id == oldest.customer_id
        )
        if claimed := claim_ids(StripeEvent, EventStatus.PENDING, worker, MOST_AT_ONCE, of_it, now=now):
            return claimed
    return []


def handle_events(event_ids: Sequence[str], worker: str, sign: Callable[[], object] = nothing) -> None:
    """Bring the mirror up to Stripe's present state for what the events are about, and mark them, in one commit.

    They are about one customer. `sign` is called while it goes on. Raises what reading Stripe raises; then nothing was
    changed and `mark_event_failed` is due for each.
    """
    statement = select(StripeEvent.type, StripeEvent.customer_id, StripeEvent.object_id)
    events = db.session.execute(statement.where(*_held(event_ids, worker))).all()
    if not events:  # the lease was lost: somebody else has them
        db.session.rollback()
        return
    customer_id, scope = _customer_of(events[0]), reduce(or_, map(_scope_of, events))
    first_type, object_id = events[0].type, events[0].object_id
    done = partial(_mark, event_ids, worker, EventStatus.HANDLED)
    if first_type.startswith("billing_portal.configuration.") and object_id:
        release_connection()
        note_configuration_event(object_id, done)
    elif customer_id is not None:
        sync(customer_id, scope, done, between=Claim(StripeEvent, event_ids, worker, sign).keep)
    else:
        _mark(event_ids, worker, EventStatus.IGNORED, IgnoredBecause.NO_CUSTOMER)
    db.session.commit()


def mark_event_failed(event_id: str, worker: str, error: str, wait_seconds: int = 0) -> None:
    """Plan the next try, not before `wait_seconds`, or declare the event dead and tell staff; the caller commits."""
    event = lock_claimed(StripeEvent, event_id, EventStatus.PENDING, worker)
    if event is None:
        return
    event.attempts += 1
    event.last_error = error[:MAXIMUM_ERROR_LENGTH]
    event.claimed_by = event.claimed_until = None
    now = utcnow()
    planned = RETRY_SCHEDULE.next_attempt(event.attempts, now)
    event.next_attempt_at = planned and max(planned, now + timedelta(seconds=wait_seconds))
    if event.next_attempt_at is None:
        event.status = EventStatus.DEAD
        _tell_staff(event)


def _tell_staff(event: StripeEvent) -> None:
    owner = organization_by_customer(event.customer_id) if event.customer_id else None
    payload = {
        "event_id": event.id,
        "event_type": event.type,
        "error": event.last_error,
        "customer": owner.name if owner else None,
    }
    announce(Event.STRIPE_EVENT_DEAD, system_actor(None), payload)


def _customer_of(event: AnyRow) -> str | None:
    """A detached payment method may name its customer nowhere; then our own row does."""
    found: str | None = event.customer_id
    if found is not None or not event.type.startswith("payment_method.") or event.object_id is None:
        return found
    row = db.session.get(PaymentMethod, event.object_id)
    return organization_by_id(row.organization_id).stripe_customer_id if row else None


def _scope_of(event: AnyRow) -> Scope:
    """What is to be read for an event besides its customer."""
    kind, found = event.type, event.object_id
    if kind.startswith("payment_method."):
        return Scope(has_methods=True)
    if not kind.startswith(("invoice.", "credit_note.", "charge.")):
        return Scope()
    if found is None:  # stored by the release before
        return EVERYTHING
    return Scope(
        invoices=frozenset({found} if kind.startswith("invoice.") else ()),
        credit_notes=frozenset({found} if kind.startswith("credit_note.") else ()),
        charges=frozenset({found} if kind.startswith("charge.") else ()),
    )


def _held(event_ids: Sequence[str], worker: str) -> tuple[ColumnElement[bool], ...]:
    """Only what `worker` still holds: who took over an expired claim marks it."""
    return (
        StripeEvent.id.in_(event_ids),
        StripeEvent.status == EventStatus.PENDING,
        StripeEvent.claimed_by == worker,
    )


def _mark(
    event_ids: Sequence[str], worker: str, status: EventStatus, because: IgnoredBecause | None = None
) -> None:
    statement = (
        update(StripeEvent)
        .where(*_held(event_ids, worker))
        .values(
            status=status,
            attempts=StripeEvent.attempts + 1,
            handled_at=utcnow(),
            ignored_because=because,
            next_attempt_at=None,
            claimed_by=None,
            claimed_until=None,
            last_error=None,
        )
    )
    db.session.execute(statement.execution_options(synchronize_session=False))
