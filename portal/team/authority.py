"""The one lock of a team, and the second look at who asks once it is held."""

from portal.actor import Actor
from portal.errors import ForbiddenError
from portal.extensions import db
from portal.identity.models import Membership, Organization
from portal.identity.queries import organization_by_id
from portal.permissions import Permission


def lock_organization(actor: Actor, permission: Permission | None) -> Organization:
    """Serialise changes to the actor's organization, then look again: their role may have changed meanwhile.

    `permission` None asks only that they still belong there. Raises `ForbiddenError`.
    """
    organization = organization_by_id(actor.organization, lock=True)
    own = db.session.scalar(
        db.select(Membership.role).where(
            Membership.organization_id == organization.id, Membership.user_id == actor.id
        )
    )
    if own is None or own != actor.role:
        raise ForbiddenError("Your role has just changed. Reload the page to see what you can do now.")
    if permission is not None:
        actor.require(permission)
    return organization
