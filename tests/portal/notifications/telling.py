"""Announcing and expanding, as the tests of notifications do it."""

from collections.abc import Sequence
from typing import Any

from jobs.fan_out_events import fan_out_events
from jobs.work import Work
from portal.actor import Actor, Origin
from portal.extensions import db
from portal.identity.models import User
from portal.identity.service import actor_for
from portal.notifications.events import Event, announce
from portal.notifications.models import Channel, Notification, OutboxMessage
from portal.permissions import Role
from tests.factories import Tenant
from tests.portal.notifications.samples import SAMPLES

BILLING_ADDRESS = "billing@acme.example"


def tell(event: Event, actor: Actor, **more: Any) -> None:
    """Announce an event with its sample payload, commit, and let the worker expand it."""
    announce(event, actor, SAMPLES[event], **more)
    db.session.commit()
    fan_out_events(Work("worker"))


def outsider(tenant: Tenant) -> Actor:
    """Somebody who acts in the organization and is told of nothing there."""
    return tenant.actor(Role.VIEWER)


def staff_actor(email: str) -> Actor:
    """The actor of somebody of the staff."""
    return actor_for(db.session.scalars(db.select(User).where(User.email == email)).one(), Origin())


def mailed(channel: Channel = Channel.MAIL) -> list[str]:
    """The recipients of what waits in a channel of the outbox, in its order."""
    statement = db.select(OutboxMessage.recipient).where(OutboxMessage.channel == channel)
    return list(db.session.scalars(statement.order_by(OutboxMessage.id)))


def notified() -> list[str]:
    """The addresses of those who were told in the portal, in order of the rows."""
    statement = db.select(User.email).join(Notification, Notification.user_id == User.id)
    return list(db.session.scalars(statement.order_by(Notification.id)))


def messages(channel: Channel) -> Sequence[OutboxMessage]:
    """The rows of a channel of the outbox, in its order."""
    statement = db.select(OutboxMessage).where(OutboxMessage.channel == channel)
    return db.session.scalars(statement.order_by(OutboxMessage.id)).all()
