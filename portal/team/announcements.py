"""What is told of changes to a team."""

from portal.actor import Actor
from portal.identity.models import User
from portal.notifications.events import Event, announce


def tell_of_member(event: Event, actor: Actor, user: User, **more: str | bool | None) -> None:
    """Announce what happened to a person's membership; `more` is what the event's texts read besides."""
    announce(event, actor, {"member": user.name, "email": user.email, **more}, about=[user.id])
