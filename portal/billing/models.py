"""What we keep of Stripe's truth (for lists and when Stripe is down), and contracts that Stripe does not know."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Minor, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class Card(Base):
    """What an organization's next invoice is charged to, as Stripe last told us. Other kinds have no expiry."""

    __tablename__ = "cards"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    stripe_id: Mapped[str] = mapped_column(String(64))
    brand: Mapped[str] = mapped_column(String(32))
    last4: Mapped[str] = mapped_column(String(4))
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    synced_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Subscription(Base):
    """A Stripe subscription. `amount_minor` is what one period costs; None where that depends on usage."""

    __tablename__ = "subscriptions"

    stripe_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    status: Mapped[str] = mapped_column(String(32))
    plan_name: Mapped[str] = mapped_column(String(120))
    seats: Mapped[int | None] = mapped_column(BigInteger)
    amount_minor: Mapped[Minor | None]
    currency: Mapped[str] = mapped_column(String(3))
    interval: Mapped[str] = mapped_column(String(8))
    interval_count: Mapped[int]
    period_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancel_at_period_end: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    synced_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Contract(Base):
    """A negotiated agreement: read-only in the portal, changed by staff."""

    __tablename__ = "contracts"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    plan_name: Mapped[str] = mapped_column(String(120))
    terms: Mapped[str] = mapped_column(Text)
    seats: Mapped[int]
    amount_minor: Mapped[Minor]
    currency: Mapped[str] = mapped_column(String(3))
    starts_on: Mapped[date]
    renews_on: Mapped[date]
    manager_name: Mapped[str] = mapped_column(String(120))
    manager_email: Mapped[str] = mapped_column(String(254))


class EventStatus(StrEnum):
    """Where a Stripe event stands."""

    PENDING = "pending"
    HANDLED = "handled"
    IGNORED = "ignored"
    DEAD = "dead"


class StripeEvent(Base):
    """An event as received, stored before it is handled. `payload` is the raw verified body.

    `customer_id` is whom it is about, for staff who look for it; handling reads the payload.
    """

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    livemode: Mapped[bool]
    payload: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[str | None] = mapped_column(String(64))
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
    )


class StripeSync(Base):
    """How often a customer's mirror was written: the fence that lets only a fresher reading in.

    A reading of Stripe is applied only if `version` is still what it was before the reading began. No lock is held
    while Stripe is asked, which on SQLite would stop every other writer.
    """

    __tablename__ = "stripe_syncs"

    customer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    synced_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class StripeConfiguration(Base):
    """The Customer Portal configuration that sessions are opened with when the environment names none."""

    __tablename__ = "stripe_configurations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("cfg"))
    stripe_id: Mapped[str] = mapped_column(String(64), unique=True)
    livemode: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
