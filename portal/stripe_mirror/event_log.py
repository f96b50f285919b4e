"""Stripe's events as staff look through them: across customers, and never their content."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_

from portal.audit.people import asked_organization
from portal.database import AnyRow
from portal.errors import InvalidInputError, or_not_found
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.paging import Page, decode_cursor, decode_time, make_page
from portal.stripe_mirror.models import EventStatus, StripeEvent

PAGE_SIZE = 30
CUSTOMER_START, EVENT_START = "cus_", "evt_"
EVENT_ROWS = select(
    StripeEvent.id,
    StripeEvent.type,
    StripeEvent.livemode,
    StripeEvent.object_id,
    StripeEvent.customer_id,
    StripeEvent.status,
    StripeEvent.ignored_because,
    StripeEvent.attempts,
    StripeEvent.created_at,
    StripeEvent.received_at,
    StripeEvent.handled_at,
    StripeEvent.next_attempt_at,
    StripeEvent.last_error,
    Organization.id.label("organization_id"),
    Organization.name.label("organization_name"),
).outerjoin(Organization, Organization.stripe_customer_id == StripeEvent.customer_id)
IS_DEAD = StripeEvent.status == EventStatus.DEAD


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What staff look for. `kind` is the start of a type or a whole event id; empty values leave all in."""

    status: EventStatus | None = None
    kind: str = ""
    customer_id: str | None = None


def events_page(wanted: EventFilter, after: str | None = None) -> Page[AnyRow]:
    """One page: those that were given up first, then the others, each by when they came in, newest first.

    Two selects on indexes rather than one that sorts the whole table. Raises `InvalidInputError` for a bad `after`.
    """
    cursor = decode_cursor(after, (int, str, str))
    is_apart = wanted.status is None
    rows: list[AnyRow] = []
    if is_apart and (cursor is None or cursor[0] == 0):
        rows = _rows(wanted, [IS_DEAD], cursor, PAGE_SIZE + 1)
        cursor = None
    if len(rows) <= PAGE_SIZE:
        rows += _rows(wanted, [~IS_DEAD] if is_apart else [], cursor, PAGE_SIZE + 1 - len(rows))

    def sort_values(row: AnyRow) -> tuple[int, str, str]:
        in_second = not is_apart or row.status is not EventStatus.DEAD
        return int(in_second), row.received_at.isoformat(), row.id

    return make_page(rows, PAGE_SIZE, sort_values)


def get_event(event_id: str) -> AnyRow:
    """One event with the organization that it is about, if it is one of ours. Raises `NotFoundError`."""
    return or_not_found(db.session.execute(EVENT_ROWS.where(StripeEvent.id == event_id)).one_or_none())


def asked_customer(value: str) -> str | None:
    """The Stripe customer that staff name by its id, or by the organization's id or whole name; None for no value.

    Raises `InvalidInputError` for an unknown organization and for one that is no customer at Stripe.
    """
    if not value or value.startswith(CUSTOMER_START):
        return value or None
    of = select(Organization.stripe_customer_id).where(Organization.id == asked_organization(value))
    customer_id = db.session.scalar(of)
    if customer_id is None:
        raise InvalidInputError("This organization is no customer at Stripe.", field="organization")
    return customer_id


def event_counts() -> dict[EventStatus, int]:
    """How many events wait, and how many were given up; on the index of what is due."""
    counted = (EventStatus.PENDING, EventStatus.DEAD)
    statement = select(StripeEvent.status, func.count()).where(StripeEvent.status.in_(counted))
    found = db.session.execute(statement.group_by(StripeEvent.status))
    return dict.fromkeys(counted, 0) | {row[0]: row[1] for row in found}


def _rows(
    wanted: EventFilter, only: Sequence[ColumnElement[bool]], cursor: tuple[Any, ...] | None, limit: int
) -> list[AnyRow]:
    statement = _wanted(EVENT_ROWS, wanted).where(*only)
    if cursor:
        position = tuple_(StripeEvent.received_at, StripeEvent.id)
        statement = statement.where(position < (decode_time(cursor[1]), cursor[2]))
    ordered = statement.order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc())
    return list(db.session.execute(ordered.limit(limit)).all())


def _wanted(statement: Select[*tuple[Any, ...]], wanted: EventFilter) -> Select[*tuple[Any, ...]]:
    if wanted.status is not None:
        statement = statement.where(StripeEvent.status == wanted.status)
    if wanted.customer_id is not None:
        statement = statement.where(StripeEvent.customer_id == wanted.customer_id)
    if wanted.kind.startswith(EVENT_START):
        return statement.where(StripeEvent.id == wanted.kind)
    if wanted.kind:
        return statement.where(StripeEvent.type.startswith(wanted.kind, autoescape=True))
    return statement
