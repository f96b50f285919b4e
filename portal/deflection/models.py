"""Who opened which screen on which day, and the report of each quarter."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, JSONDict, UTCDateTime


class ScreenVisit(Base):
    """That somebody used a screen on a day (UTC), in the organization they were looking at then.

    `first_at` and `last_at` are the first and the latest request of the day; the latest is up to ten minutes old.
    """

    __tablename__ = "screen_visits"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    screen: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (Index("ix_screen_visits_screen", "screen", "first_at"),)


class DeflectionReport(Base):
    """The report of a quarter, such as `2026Q3`, as it was last made. `figures` is what `--json` prints."""

    __tablename__ = "deflection_reports"

    quarter: Mapped[str] = mapped_column(String(6), primary_key=True)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONDict)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
