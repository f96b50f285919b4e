"""Tables of the rollout: how things stand, and how they came to stand so."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, UTCDateTime
from portal.kit.clock import utcnow


class ScreenFlag(Base):
    """To how many of 100 organizations a screen is open. A screen without a row is open to all."""

    __tablename__ = "screen_flags"

    screen: Mapped[str] = mapped_column(String(40), primary_key=True)
    percent: Mapped[int]

    __table_args__ = (CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),)


class ScreenFlagOrganization(Base):
    """That a screen is open to an organization, or closed, whatever the percentage says."""

    __tablename__ = "screen_flag_organizations"

    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    screen: Mapped[str] = mapped_column(String(40), primary_key=True)
    is_on: Mapped[bool]


class FlagChange(Base):
    """One change of a flag. Rows are only added: they say since when a screen has been open to whom.

    With `percent` it is about everybody; with `organization_id` about that one, where `is_on` None means that the
    percentage decides again. `actor_name` is who, `why` is what they gave as the reason.
    """

    __tablename__ = "flag_changes"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    screen: Mapped[str] = mapped_column(String(40))
    percent: Mapped[int | None]
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id"))
    is_on: Mapped[bool | None]
    why: Mapped[str] = mapped_column(String(500))
    actor_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    __table_args__ = (
        Index("ix_flag_changes_screen", "screen", "at", "id"),
        CheckConstraint("(percent IS NULL) <> (organization_id IS NULL)", name="about"),
    )
