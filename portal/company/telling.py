"""Which details Stripe has still to be told of: a reading of Stripe must not undo them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portal.database import AnyRow
from portal.gateways.stripe_objects import AddressSnapshot
from portal.notifications.models import Channel, OutboxStatus
from portal.notifications.outbox import delivered_since, untold

CUSTOMER_DETAILS = "customer-details"
TOLD_DETAILS = frozenset({"name", "billing_email", "address", "purchase_order"})
"""What Stripe has too. An address is told as a whole."""


@dataclass(frozen=True, slots=True)
class Untold:
    """Names of details. Those in `waiting` are on their way; Stripe did not take those in `given_up`."""

    waiting: frozenset[str] = frozenset()
    given_up: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All that Stripe does not know."""
        return self.waiting | self.given_up


def detail_of(field: str) -> str:
    """The detail that a field of the company is part of."""
    return "address" if field in AddressSnapshot.__slots__ else field


def details_of_message(payload: dict[str, Any]) -> frozenset[str]:
    """The details that a message is about; all of them where it names none."""
    return frozenset(payload.get("details") or TOLD_DETAILS)


def untold_details(customer_id: str | None) -> Untold:
    """What was changed here and has not reached Stripe. One select, and one more where something was given up."""
    rows = untold(Channel.STRIPE, customer_id, CUSTOMER_DETAILS) if customer_id else ()
    waiting = _named(row for row in rows if row.status is OutboxStatus.PENDING)
    given_up = _given_up([row for row in rows if row.status is OutboxStatus.DEAD])
    return Untold(waiting, given_up - waiting)


def _given_up(dead: list[AnyRow]) -> frozenset[str]:
    """A later message about the same made up for it: each tells the state at its time."""
    if not dead:
        return frozenset()
    later = delivered_since(dead[0], min(row.created_at for row in dead))
    return frozenset(
        name
        for row in dead
        for name in details_of_message(row.payload)
        - _named(other for other in later if other.delivered_at > row.created_at)
    )


def _named(rows: Iterable[AnyRow]) -> frozenset[str]:
    return frozenset().union(*(details_of_message(row.payload) for row in rows))
