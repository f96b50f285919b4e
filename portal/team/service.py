"""Verbs of the team. Every one that can cost an owner takes the team's lock first."""

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError
from portal.extensions import db
from portal.identity.models import Membership
from portal.identity.sessions import leave_organization_in_sessions
from portal.notifications.events import Event
from portal.permissions import ROLE_LABELS, Permission, Role
from portal.team.announcements import tell_of_member
from portal.team.authority import lock_organization
from portal.team.queries import get_member, role_counts


class LastOwnerError(ConflictError):
    """The change would leave the organization without an owner."""

    def __init__(self) -> None:
        super().__init__(
            "Every organization needs an owner. Make somebody else an owner first.", field="role"
        )


def change_member_role(actor: Actor, member_id: str, role: Role) -> Membership:
    """Give a member another role and tell of it.

    Raises `NotFoundError`, `ForbiddenError`, `LastOwnerError`, `InvalidInputError` (own role).
    """
    lock_organization(actor, Permission.MEMBERS_MANAGE)
    member = get_member(actor.organization, member_id)
    if member.role == role:
        return member
    if member.user_id == actor.id and member.role != Role.OWNER:
        raise InvalidInputError("You cannot change your own role. Ask another admin.", field="role")
    _may_touch_owner(actor, member, role)
    before, member.role = member.role, role
    db.session.flush()
    record(
        actor,
        Action.MEMBER_ROLE_CHANGED,
        Change("member", member.id, member.user.email, {"role": before.value}, {"role": role.value}),
    )
    is_about_owner = Role.OWNER in (before, role)
    tell_of_member(
        Event.OWNERSHIP_CHANGED if is_about_owner else Event.MEMBER_ROLE_CHANGED,
        actor,
        member.user,
        role=ROLE_LABELS[role],
        role_before=ROLE_LABELS[before],
    )
    return member


def remove_member(actor: Actor, member_id: str) -> Membership:
    """Take a member out of the organization and tell of it; their next request is refused.

    Anybody may leave. Raises `NotFoundError`, `ForbiddenError`, `LastOwnerError`.
    """
    lock_organization(actor, None)
    member = get_member(actor.organization, member_id)
    if member.user_id != actor.id:
        actor.require(Permission.MEMBERS_MANAGE)
    _may_touch_owner(actor, member, None)
    record(
        actor,
        Action.MEMBER_REMOVED,
        Change("member", member.id, member.user.email, {"role": member.role.value, "name": member.user.name}),
    )
    if member.role == Role.OWNER:
        before = ROLE_LABELS[member.role]
        tell_of_member(Event.OWNERSHIP_CHANGED, actor, member.user, role=None, role_before=before)
    else:
        tell_of_member(Event.MEMBER_REMOVED, actor, member.user, is_self=member.user_id == actor.id)
    db.session.delete(member)
    db.session.flush()
    leave_organization_in_sessions(member.user_id, member.organization_id)
    return member


def _may_touch_owner(actor: Actor, member: Membership, new_role: Role | None) -> None:
    """Only owners make and unmake owners, and never the last one. Call under the team's lock."""
    is_self_leaving = new_role is None and member.user_id == actor.id
    if Role.OWNER in (member.role, new_role) and not is_self_leaving:
        actor.require(Permission.OWNERS_MANAGE)
    loses_owner = member.role == Role.OWNER and new_role != Role.OWNER
    if loses_owner and role_counts(member.organization_id).get(Role.OWNER, 0) <= 1:
        raise LastOwnerError
