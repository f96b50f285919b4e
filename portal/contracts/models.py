"""Contracts, which Stripe does not know, and their documents."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, Minor, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


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


class ContractDocument(Base):
    """A file of an organization's contract, such as the signed order form. Never changed, only added and removed.

    `size` is in bytes, `sha256` in hex. `content` is read from the database only where it is asked for.
    """

    __tablename__ = "contract_documents"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("doc"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    added_by: Mapped[str] = mapped_column(String(120))
    added_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    __table_args__ = (UniqueConstraint("organization_id", "sha256"),)
