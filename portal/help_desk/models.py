"""Which help desks there are, and which tickets were opened there."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, UTCDateTime


class HelpDesk(StrEnum):
    """A product in which the support team answers tickets."""

    ZENDESK = "zendesk"
    INTERCOM = "intercom"
    HELPSCOUT = "helpscout"

    @property
    def label(self) -> str:
        """The name that people know it by."""
        return LABELS[self]


LABELS = {HelpDesk.ZENDESK: "Zendesk", HelpDesk.INTERCOM: "Intercom", HelpDesk.HELPSCOUT: "Help Scout"}


class TicketSeen(Base):
    """That an organization was shown beside a ticket, because the ticket's requester belongs to it."""

    __tablename__ = "tickets_seen"

    source: Mapped[HelpDesk] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    times_shown: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index("ix_tickets_seen_organization_id", "organization_id", "last_seen_at"),)
