"""Invoices, Stripe's and offline ones, in one table, since customers look for them in one list."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base, JSONDict, Minor, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class InvoiceSource(StrEnum):
    """Who issued it, and so whose PDF is the document."""

    STRIPE = "stripe"
    OFFLINE = "offline"


class InvoiceStatus(StrEnum):
    """Stripe's words, used for offline invoices too."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Invoice(Base):
    """One invoice. Amounts are minor units of `currency`. Offline ones freeze seller and buyer at issue.

    `payment_state` is the status of an open invoice's payment at Stripe, such as requires_action; else empty.
    """

    __tablename__ = "invoices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("bill"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    source: Mapped[InvoiceSource]
    stripe_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(String(64))
    status: Mapped[InvoiceStatus]
    description: Mapped[str] = mapped_column(String(300), default="")
    currency: Mapped[str] = mapped_column(String(3))
    subtotal_minor: Mapped[Minor]
    discount_minor: Mapped[Minor] = mapped_column(default=0)
    tax_minor: Mapped[Minor] = mapped_column(default=0)
    total_minor: Mapped[Minor]
    paid_minor: Mapped[Minor] = mapped_column(default=0)
    due_minor: Mapped[Minor] = mapped_column(default=0)
    refunded_minor: Mapped[Minor] = mapped_column(default=0, server_default="0")
    payment_state: Mapped[str] = mapped_column(String(32), default="", server_default=text("''"))
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    overdue_told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hosted_url: Mapped[str | None] = mapped_column(Text)
    pdf_url: Mapped[str | None] = mapped_column(Text)
    subscription_id: Mapped[str | None] = mapped_column(String(64))
    document: Mapped[dict[str, Any] | None] = mapped_column(JSONDict)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    lines: Mapped[list["InvoiceLine"]] = relationship(
        order_by="InvoiceLine.position", lazy="raise", cascade="all, delete-orphan"
    )

    __table_args__ = (
        Index("ix_invoices_page", "organization_id", "issued_at", "id"),
        Index("ix_invoices_number", "number"),
        Index("ix_invoices_due", "status", "due_at"),
        UniqueConstraint("source", "organization_id", "number"),
        CheckConstraint("(source = 'stripe') = (stripe_id IS NOT NULL)", name="stripe_id_by_source"),
    )


class InvoiceLine(Base):
    """One line of an invoice; `unit_minor` is None where Stripe gives no unit price."""

    __tablename__ = "invoice_lines"

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(String(500))
    quantity: Mapped[int | None] = mapped_column(BigInteger)
    unit_minor: Mapped[Minor | None]
    amount_minor: Mapped[Minor]
