"""Having stored events of Stripe handled again: one, or all since a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.errors import ConflictError, or_not_found
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.work import unclaimed
from portal.permissions import StaffRole
from portal.stripe_mirror.models import EventStatus, StripeEvent

DONE_WITH = (EventStatus.HANDLED, EventStatus.DEAD)


def replay_event(actor: Actor, event_id: str, reason: str) -> StripeEvent:
    """Staff have one event handled again, from its first try: of the actor's organization, or of any without one.

    One that failed and waits to be tried again is tried now. Raises `ForbiddenError`, `InvalidInputError` (reason),
    `NotFoundError`, and `ConflictError` for one that is handled right now and for one that changes nothing here.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    event = or_not_found(db.session.scalar(_event_for(actor, event_id)))
    if event.status is EventStatus.PENDING and not db.session.scalar(
        select(StripeEvent.id).where(StripeEvent.id == event.id, _waits_for_another_try())
    ):
        raise ConflictError("This event is handled within seconds anyway.")
    if event.status is EventStatus.IGNORED:
        raise ConflictError("This event changes nothing here, so its content was not kept.")
    before = {"status": event.status.value}
    for name, value in _anew().items():
        setattr(event, name, value)
    db.session.flush()
    owner = select(Organization.id).where(Organization.stripe_customer_id == (event.customer_id or ""))
    what = Change("stripe_event", event.id, event.type, before, {"status": event.status.value})
    record(
        actor.within(actor.organization_id or db.session.scalar(owner)),
        Action.STRIPE_EVENT_REPLAYED,
        what,
        reason=reason,
    )
    return event


def replay_since(actor: Actor, since: datetime, reason: str) -> int:
    """Staff have all events that were received since a time handled again; how many there are.

    Those that failed and wait to be tried again are tried now, those that change nothing here are left alone. One
    audit row tells of it, if there are any. Raises `ForbiddenError` and `InvalidInputError` (reason).
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    again = update(StripeEvent).where(*_since(since)).values(**_anew())
    count: int = db.session.execute(again.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined]
    if count:
        what = Change(
            "stripe_events", since.isoformat(), f"since {since:%Y-%m-%d %H:%M} UTC", None, {"events": count}
        )
        record(actor, Action.STRIPE_EVENTS_REPLAYED, what, reason=reason)
    return count


def count_since(since: datetime) -> int:
    """How many events `replay_since` would have handled again."""
    return db.session.scalars(select(func.count()).select_from(StripeEvent).where(*_since(since))).one()


def _since(since: datetime) -> tuple[Any, ...]:
    return (
        StripeEvent.received_at >= since,
        or_(StripeEvent.status.in_(DONE_WITH), _waits_for_another_try()),
    )


def _waits_for_another_try() -> ColumnElement[bool]:
    """It failed, nobody has it in hand, and its next try may be hours away."""
    return and_(
        StripeEvent.status == EventStatus.PENDING,
        StripeEvent.attempts > 0,
        unclaimed(StripeEvent, utcnow()),
    )


def _anew() -> dict[str, Any]:
    """The values of an event that was never tried."""
    return {
        "status": EventStatus.PENDING,
        "attempts": 0,
        "next_attempt_at": utcnow(),
        "claimed_by": None,
        "claimed_until": None,
        "handled_at": None,
        "last_error": None,
    }


def _event_for(actor: Actor, event_id: str) -> Select[StripeEvent]:
    """The event, locked for a change; if the actor acts in an organization, only where it is about its customer."""
    statement = select(StripeEvent).where(StripeEvent.id == event_id)
    if actor.organization_id is not None:
        statement = statement.join(
            Organization, Organization.stripe_customer_id == StripeEvent.customer_id
        ).where(Organization.id == actor.organization_id)
    return statement.with_for_update(of=StripeEvent).execution_options(populate_existing=True)
