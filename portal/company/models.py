"""What stands on invoices and where they go, beside the organization's name and billing email."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class BillingDetails(Base):
    """An organization's postal address and purchase-order number.

    Parts of the address are "" where there are none; without a country there is no address. `purchase_order` is None
    as long as nobody has said whether there is one, here or at Stripe. No row: nothing is known yet.
    """

    __tablename__ = "billing_details"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    line1: Mapped[str] = mapped_column(String(200), default="")
    line2: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(200), default="")
    postal_code: Mapped[str] = mapped_column(String(200), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    purchase_order: Mapped[str | None] = mapped_column(String(140))


class InvoiceRecipient(Base):
    """A further address that mails about invoices go to. Stripe does not know of it."""

    __tablename__ = "invoice_recipients"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    email: Mapped[str] = mapped_column(String(254), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)


class TaxIdStatus(StrEnum):
    """What the register says of a number. While it does not answer, the number stays pending, never invalid."""

    UNCHECKED = "unchecked"
    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"
    REFUSED = "refused"
    """Stripe does not take it, so it stands on no invoice."""


class TaxId(Base):
    """A tax id of an organization, in the form that Stripe documents for its type. Never changed, only removed.

    `pushed_at` is when Stripe was told of the row as it is, or told us of it; None while it has still to be told of
    the new row or of the removal. `deleted_at` makes the row a tombstone. `attempts` counts the lookups that got no
    answer. `verification` is Stripe's own word; `registered_name` is whom the register names.
    """

    __tablename__ = "tax_ids"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("tax"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    stripe_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    type: Mapped[str] = mapped_column(String(32))
    value: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2))
    verification: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[TaxIdStatus]
    registered_name: Mapped[str | None] = mapped_column(String(200))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    pushed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index("ix_tax_ids_organization_id", "organization_id", "created_at"),
        Index(
            "ix_tax_ids_due",
            "next_attempt_at",
            sqlite_where=sql("status = 'pending'"),
            postgresql_where=sql("status = 'pending'"),
        ),
    )
