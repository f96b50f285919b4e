"""Who was to be nudged towards which screen, and what came of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class NudgeGroup(StrEnum):
    """Whether somebody is told, or is one of those who are not, so that the difference can be seen."""

    NUDGED = "nudged"
    CONTROL = "control"


class Nudge(Base):
    """That somebody wrote to support about what a screen does by now; at most one for a person and screen, for ever.

    `group` is written before anything is sent and is the same in all of a person's rows. `organization_id` is where
    they can do it, `ticket_id` and `wrote_at` are what they wrote last, about `reason`. `mailed_at` is when the mail
    was put into the outbox: at most one row of a person has it. `shown_at` is when the note was first shown.
    """

    __tablename__ = "nudges"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("ndg"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    screen: Mapped[str] = mapped_column(String(40))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    group: Mapped[NudgeGroup]
    reason: Mapped[str] = mapped_column(String(40))
    ticket_id: Mapped[str] = mapped_column(ForeignKey("inbox_tickets.id"))
    wrote_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    mailed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    shown_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dismissed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        UniqueConstraint("user_id", "screen"),
        Index(
            "ix_nudges_one_mail",
            "user_id",
            unique=True,
            sqlite_where=sql("mailed_at IS NOT NULL"),
            postgresql_where=sql("mailed_at IS NOT NULL"),
        ),
    )
