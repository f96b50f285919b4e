"""Tables of what staff do for customers: looking at their screens, and letting them in without a second factor."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base, UTCDateTime
from portal.identity.models import Organization, User
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class StaffView(Base):
    """Somebody of the staff looks at one organization as an owner sees it, from one of their sessions.

    `ended_at` is set when they end it or the worker sees that it is over; `expires_at` counts whether it is set or not.
    """

    __tablename__ = "staff_views"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("view"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    session_id: Mapped[str] = mapped_column(String(32))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    reason: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index(
            "uq_staff_views_open",
            "user_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class RecoveryStatus(StrEnum):
    """Where the recovery of an account stands."""

    ASKED = "asked"
    APPROVED = "approved"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Recovery(Base):
    """One recovery of an account whose second factor is lost. `due_at` is when the factor goes, once approved.

    The token of the cancel link is never stored: it is derived from the id and `SECRET_KEY` when mailed.
    """

    __tablename__ = "recoveries"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("rec"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[RecoveryStatus] = mapped_column(default=RecoveryStatus.ASKED)
    reason: Mapped[str] = mapped_column(Text)
    asked_by_id: Mapped[str] = mapped_column(String(32))
    asked_by_name: Mapped[str] = mapped_column(String(120))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    approved_by_id: Mapped[str | None] = mapped_column(String(32))
    approved_by_name: Mapped[str | None] = mapped_column(String(120))
    approved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by_name: Mapped[str | None] = mapped_column(String(120))
    user: Mapped[User] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")

    __table_args__ = (
        Index(
            "uq_recoveries_open",
            "user_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )
