"""Stripe's events as received, the fence around each customer's mirror, and comparisons with Stripe."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, JSONDict, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class EventStatus(StrEnum):
    """Where a Stripe event stands."""

    PENDING = "pending"
    HANDLED = "handled"
    IGNORED = "ignored"
    DEAD = "dead"


class IgnoredBecause(StrEnum):
    """Why an event changes nothing here."""

    OTHER_MODE = "other_mode"
    KIND = "kind"
    NO_CUSTOMER = "no_customer"


class StripeEvent(Base):
    """An event as received, stored before it is handled. `payload` is the raw verified body.

    `customer_id` is whom it is about and `object_id` the object in it; handling reads these, not the payload.
    `secret_hint` tells the webhook secrets apart: the first 8 hex digits of the SHA-256 of the one that signed it.
    """

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    livemode: Mapped[bool]
    payload: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[str | None] = mapped_column(String(64))
    object_id: Mapped[str | None] = mapped_column(String(64))
    secret_hint: Mapped[str | None] = mapped_column(String(8))
    ignored_because: Mapped[IgnoredBecause | None]
    status: Mapped[EventStatus] = mapped_column(default=EventStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=utcnow)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    handled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_stripe_events_due", "status", "next_attempt_at"),
        Index("ix_stripe_events_customer_id", "customer_id", "created_at"),
        Index("ix_stripe_events_page", "received_at", "id"),
    )


class StripeSync(Base):
    """How often a customer's mirror was written: the fence that lets only a fresher reading in.

    A reading of Stripe is applied only if `version` is still what it was before the reading began. No lock is held
    while Stripe is asked, which on SQLite would stop every other writer. `livemode` is the customer's mode at Stripe,
    `deleted_at` when it was seen that the customer is deleted there.
    """

    __tablename__ = "stripe_syncs"

    customer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    synced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    livemode: Mapped[bool | None]
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class ReconciliationStatus(StrEnum):
    """Where a reconciliation stands."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class StripeReconciliation(Base):
    """One comparison of the whole mirror with Stripe, customer after customer. Any worker can go on with it.

    At most one is pending. `cursor` is the last organization done. `found` counts every difference; `findings` holds
    the first of them under `items`, as `portal.stripe_mirror.rows.Finding` has them. `asked_by_name` is None for the
    nightly one.
    """

    __tablename__ = "stripe_reconciliations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("rec"))
    status: Mapped[ReconciliationStatus] = mapped_column(default=ReconciliationStatus.PENDING)
    asked_by_name: Mapped[str | None] = mapped_column(String(120))
    cursor: Mapped[str] = mapped_column(String(32), default="")
    customers: Mapped[int] = mapped_column(default=0)
    objects: Mapped[int] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)
    findings: Mapped[dict[str, Any]] = mapped_column(JSONDict, default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=utcnow)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_stripe_reconciliations_due", "status", "next_attempt_at"),
        Index("ix_stripe_reconciliations_page", "created_at", "id"),
        Index(
            "uq_stripe_reconciliations_pending",
            "status",
            unique=True,
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )
