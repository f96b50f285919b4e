"""What we keep of Stripe about plans, payment methods and credit notes, for lists and for when it is down."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Minor, UTCDateTime


class PaymentMethod(Base):
    """A payment method of an organization's customer, as Stripe last told us. Other kinds than cards have no expiry.

    `is_default` is the one that the next invoice is charged to. One that was detached stays, with the time when that
    was seen here.
    """

    __tablename__ = "payment_methods"

    stripe_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    brand: Mapped[str] = mapped_column(String(32))
    last4: Mapped[str] = mapped_column(String(4))
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    is_default: Mapped[bool]
    detached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    synced_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Subscription(Base):
    """A Stripe subscription. `amount_minor` is what one period costs; None where that depends on usage.

    Item, price and product are those of its first item. What begins with `held_` is the next phase of its schedule: a
    change that waits for `held_starts_at`.
    """

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
    item_count: Mapped[int] = mapped_column(default=1, server_default="1")
    item_id: Mapped[str | None] = mapped_column(String(64))
    price_id: Mapped[str | None] = mapped_column(String(64))
    product_id: Mapped[str | None] = mapped_column(String(64))
    latest_invoice_id: Mapped[str | None] = mapped_column(String(64))
    trial_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    discount: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))
    held_schedule_id: Mapped[str | None] = mapped_column(String(64))
    held_plan_name: Mapped[str | None] = mapped_column(String(120))
    held_seats: Mapped[int | None] = mapped_column(BigInteger)
    held_amount_minor: Mapped[Minor | None]
    held_interval: Mapped[str | None] = mapped_column(String(8))
    held_interval_count: Mapped[int | None]
    held_starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    synced_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CreditNote(Base):
    """A credit note of Stripe's, in minor units; `invoice_id` is Stripe's id of the invoice that it corrects."""

    __tablename__ = "credit_notes"

    stripe_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    invoice_id: Mapped[str] = mapped_column(String(64), index=True)
    number: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[Minor]
    pdf_url: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    synced_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (Index("ix_credit_notes_page", "organization_id", "issued_at", "stripe_id"),)
