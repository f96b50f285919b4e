"""People who wrote to support, and what became of it."""

from datetime import datetime, timedelta
from typing import Any

from portal.deflection.models import ScreenVisit
from portal.extensions import db
from portal.inbox.models import InboxTicket
from portal.kit.clock import utcnow
from portal.notifications.events import Event
from portal.notifications.models import Channel, OutboxMessage
from portal.nudges.models import Nudge, NudgeGroup
from portal.permissions import Role
from tests.factories import Tenant
from tests.portal.deflection.inbox import audit, ticket

DAY = timedelta(days=1)


def wrote(
    tenant: Tenant, role: Role, reason: str, *, days_ago: float = 20, now: datetime | None = None, **more: Any
) -> InboxTicket:
    """A ticket of the person in `role`; committed."""
    at = (now or utcnow()) - days_ago * DAY
    organization_id = more.pop("organization_id", tenant.organization_id)
    ticket(organization_id, at, audit(at, at), user_id=tenant.users[role], reason=reason, **more)
    made = next(row for row in db.session.new if isinstance(row, InboxTicket))
    db.session.commit()
    return made


def make_nudge(
    tenant: Tenant,
    role: Role,
    reason: str = "usage_limits",
    *,
    screen: str = "usage",
    group: NudgeGroup = NudgeGroup.NUDGED,
    decided_at: datetime | None = None,
) -> str:
    """That it was decided about the person in `role`, who wrote a day before; committed."""
    at = decided_at or utcnow()
    about = wrote(tenant, role, reason, now=at, days_ago=1)
    nudge = Nudge(
        user_id=tenant.users[role],
        organization_id=tenant.organization_id,
        screen=screen,
        group=group,
        reason=reason,
        ticket_id=about.id,
        wrote_at=about.created_at,
        decided_at=at,
    )
    db.session.add(nudge)
    db.session.commit()
    return nudge.id


def read(since: datetime, until: datetime) -> None:
    """An audit has read every ticket of this time, among them one of nobody we know; committed."""
    ticket(None, since, audit(since, until))
    db.session.commit()


def used(tenant: Tenant, role: Role, screen: str, at: datetime) -> None:
    """The person in `role` has looked at a screen; committed."""
    key = {"user_id": tenant.users[role], "organization_id": tenant.organization_id, "screen": screen}
    db.session.add(ScreenVisit(**key, day=at.date(), first_at=at, last_at=at))
    db.session.commit()


def nudges() -> list[Nudge]:
    """All there are, the first decided first, read anew."""
    db.session.expire_all()
    return list(db.session.scalars(db.select(Nudge).order_by(Nudge.decided_at, Nudge.wrote_at)))


def announced() -> list[list[str]]:
    """Whom the outbox has been told to tell, by event."""
    rows = db.session.scalars(
        db.select(OutboxMessage).where(
            OutboxMessage.channel == Channel.EVENT, OutboxMessage.topic == Event.SCREEN_CAN_DO_IT.value
        )
    )
    return [row.payload["about"] for row in rows]
