"""Tables of the team beyond memberships."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base, UTCDateTime
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.permissions import Role


class Invitation(Base):
    """An offer to join. The token itself is never stored: it is derived from the id and `SECRET_KEY` when mailed."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("inv"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sent_count: Mapped[int] = mapped_column(default=1)
    invited_by_name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    organization: Mapped[Organization] = relationship(lazy="raise")

    __table_args__ = (
        Index("ix_invitations_organization_id", "organization_id", "created_at"),
        Index("ix_invitations_email", "email"),
    )

    def is_open(self, now: datetime) -> bool:
        """Whether it can still be accepted at `now`."""
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at
