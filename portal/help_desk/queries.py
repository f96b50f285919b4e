"""Selects about tickets."""

from collections.abc import Sequence

from sqlalchemy import select

from portal.database import AnyRow
from portal.extensions import db
from portal.help_desk.models import TicketSeen
from portal.identity.models import User

PAGE_SIZE = 20


def tickets_of(organization_id: str, limit: int = PAGE_SIZE) -> Sequence[AnyRow]:
    """Tickets beside which the organization was shown, with their requester; last shown first."""
    statement = (
        select(
            TicketSeen.source,
            TicketSeen.ticket_id,
            TicketSeen.user_id,
            User.name.label("user_name"),
            User.email.label("user_email"),
            TicketSeen.first_seen_at,
            TicketSeen.last_seen_at,
            TicketSeen.times_shown,
        )
        .join(User, User.id == TicketSeen.user_id)
        .where(TicketSeen.organization_id == organization_id)
        .order_by(TicketSeen.last_seen_at.desc(), TicketSeen.source, TicketSeen.ticket_id)
        .limit(limit)
    )
    return db.session.execute(statement).all()
