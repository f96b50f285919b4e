"""Verbs of invitations: send, send again, take back, accept."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.context import derive_token
from portal.errors import ConflictError, GoneError, InvalidInputError
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.identity.passwords import hash_password
from portal.identity.queries import organization_by_id, user_by_email
from portal.identity.service import actor_for
from portal.kit.clock import utcnow
from portal.kit.text import clean_email, clean_line, sort_key
from portal.kit.tokens import digest, new_id
from portal.notifications.events import Event, announce
from portal.notifications.outbox import put_mail
from portal.permissions import ROLE_LABELS, Permission, Role, StaffRole
from portal.team.announcements import tell_of_member
from portal.team.authority import lock_organization
from portal.team.models import Invitation
from portal.team.queries import get_invitation, is_member, open_invitation_count, open_invitation_for

LIFETIME = timedelta(days=7)
MAXIMUM_OPEN = 100
NO_LONGER_GOOD = "This invitation is no longer good. Ask the person who invited you for a new one."


def invite_member(actor: Actor, email: str, role: Role) -> Invitation:
    """Invite an address; the mail leaves through the outbox.

    Raises `InvalidInputError` (bad address, already a member), `ConflictError` (already invited, too many open).
    """
    _require(actor, role)
    email = clean_email(email)
    organization = lock_organization(actor, Permission.MEMBERS_MANAGE)
    if is_member(organization.id, email):
        raise InvalidInputError("This person is already in the team.", field="email")
    if open_invitation_for(organization.id, email):
        raise ConflictError(
            "This person already has an invitation. You can send it again below.", field="email"
        )
    if open_invitation_count(organization.id) >= MAXIMUM_OPEN:
        raise ConflictError(
            f"There are {MAXIMUM_OPEN} open invitations. Take some back first.", field="email"
        )
    invitation = _new_invitation(actor, email, role)
    _send(actor, invitation, organization.name, Action.INVITATION_SENT)
    return invitation


def invite_first_owner(actor: Actor, organization: Organization, email: str) -> Invitation:
    """The first invitation of a new organization; `email` is canonical. For those who run the product."""
    invitation = _new_invitation(actor, email, Role.OWNER)
    _send(actor, invitation, organization.name, Action.INVITATION_SENT)
    return invitation


def _new_invitation(actor: Actor, email: str, role: Role) -> Invitation:
    invitation_id = new_id("inv")
    now = utcnow()
    invitation = Invitation(
        id=invitation_id,
        organization_id=actor.organization,
        email=email,
        role=role,
        token_hash=digest(invitation_token(invitation_id, 1)),
        sent_count=1,
        invited_by_name=actor.name,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    db.session.add(invitation)
    return invitation


def resend_invitation(actor: Actor, invitation_id: str) -> Invitation:
    """Send it again with a new link and a new week; the old link is no longer good."""
    invitation = get_invitation(actor.organization, invitation_id)
    _require(actor, invitation.role)
    if not invitation.is_open(utcnow()):
        raise ConflictError("This invitation is no longer open.")
    _renew(invitation)
    _send(actor, invitation, organization_by_id(actor.organization).name, Action.INVITATION_RESENT)
    return invitation


def resend_as_staff(actor: Actor, invitation_id: str, reason: str) -> Invitation:
    """Staff send it again, also when it has expired: a new link and a new week from now on.

    Raises `ForbiddenError`, `InvalidInputError` (reason), `NotFoundError`, and `ConflictError` where it was used or
    taken back, or where the address has another way in.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    organization = organization_by_id(actor.organization, lock=True)
    invitation = get_invitation(organization.id, invitation_id)
    if invitation.accepted_at or invitation.revoked_at:
        raise ConflictError("This invitation was used or taken back.")
    other = open_invitation_for(organization.id, invitation.email)
    if is_member(organization.id, invitation.email) or (other and other.id != invitation.id):
        raise ConflictError("This person is in the team already, or has a newer invitation.")
    _renew(invitation)
    _send(actor, invitation, organization.name, Action.INVITATION_RESENT, reason)
    return invitation


def revoke_invitation(actor: Actor, invitation_id: str) -> Invitation:
    """Take an invitation back; its link answers like an unknown one."""
    invitation = get_invitation(actor.organization, invitation_id)
    _require(actor, invitation.role)
    if not invitation.is_open(utcnow()):
        raise ConflictError("This invitation is no longer open.")
    invitation.revoked_at = utcnow()
    record(actor, Action.INVITATION_REVOKED, Change("invitation", invitation.id, invitation.email))
    return invitation


def find_invitation(token: str, *, lock: bool = False) -> Invitation:
    """The open invitation behind a link. Used, taken back, expired and unknown links all raise the same `GoneError`."""
    statement = (
        select(Invitation)
        .where(Invitation.token_hash == digest(token))
        .options(db.joinedload(Invitation.organization))
    )
    if lock:
        statement = statement.with_for_update(of=Invitation).execution_options(populate_existing=True)
    invitation = db.session.scalar(statement)
    if invitation is None or not invitation.is_open(utcnow()):
        raise GoneError(NO_LONGER_GOOD)
    return invitation


def is_still_sent(invitation_id: str, sent_count: int) -> bool:
    """Whether this sending of an invitation still leads somewhere."""
    invitation = db.session.get(Invitation, invitation_id)
    return invitation is not None and invitation.sent_count == sent_count and invitation.is_open(utcnow())


def accept_as_new_user(token: str, name: str, password: str, origin: Origin) -> User:
    """Accept with a new account for the invited address. Raises `GoneError`, `InvalidInputError`, `ConflictError`."""
    invitation = find_invitation(token, lock=True)
    if user_by_email(invitation.email):
        raise ConflictError("There is already an account for this address. Sign in to accept.")
    name = clean_line(name, field="name", maximum=120, label="Your name")
    user = User(email=invitation.email, name=name, password_hash=hash_password(password))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError:  # the same address joined another team in this very moment
        raise ConflictError("There is already an account for this address. Sign in to accept.") from None
    _join(invitation, user, origin)
    return user


def accept_as_user(token: str, user: User, origin: Origin) -> Membership:
    """Accept while signed in. Raises `GoneError`, and `ConflictError` when it was sent to somebody else."""
    invitation = find_invitation(token, lock=True)
    if user.email != invitation.email:
        raise ConflictError(
            f"This invitation was sent to {invitation.email}, and you are signed in as {user.email}."
        )
    return _join(invitation, user, origin)


def invitation_token(invitation_id: str, sent_count: int) -> str:
    """The secret of one sending's link: 256 bits derived from the id and `SECRET_KEY`.

    Derived, not stored: the outbox and the table never hold it, and the worker can still write the mail.
    """
    return derive_token(f"invitation:{invitation_id}:{sent_count}")


def _join(invitation: Invitation, user: User, origin: Origin) -> Membership:
    if is_member(invitation.organization_id, user.email):
        raise ConflictError("You are already in this team.")
    invitation.accepted_at = utcnow()
    member = Membership(
        organization_id=invitation.organization_id,
        user_id=user.id,
        role=invitation.role,
        sort_name=sort_key(user.name),
    )
    db.session.add(member)
    db.session.flush()
    actor = _joined_actor(user, member, origin)
    record(actor, Action.INVITATION_ACCEPTED, Change("invitation", invitation.id, invitation.email))
    record(
        actor, Action.MEMBER_ADDED, Change("member", member.id, user.email, None, {"role": member.role.value})
    )
    role = ROLE_LABELS[member.role]
    if member.role == Role.OWNER:
        tell_of_member(Event.OWNERSHIP_CHANGED, actor, user, role=role, role_before=None)
    else:
        tell_of_member(Event.MEMBER_ADDED, actor, user, role=role)
    return member


def _joined_actor(user: User, member: Membership, origin: Origin) -> Actor:
    base = actor_for(user, origin)
    return replace(base, organization_id=member.organization_id, role=member.role)


def _renew(invitation: Invitation) -> None:
    invitation.sent_count += 1
    invitation.token_hash = digest(invitation_token(invitation.id, invitation.sent_count))
    invitation.expires_at = utcnow() + LIFETIME


def _send(
    actor: Actor,
    invitation: Invitation,
    organization_name: str,
    action: Action,
    reason: str | None = None,
) -> None:
    db.session.flush()
    record(
        actor,
        action,
        Change("invitation", invitation.id, invitation.email, None, {"role": invitation.role.value}),
        reason=reason,
    )
    payload = {
        "invitation_id": invitation.id,
        "sent_count": invitation.sent_count,
        "organization": organization_name,
        "actor": invitation.invited_by_name if actor.kind is ActorKind.STAFF else actor.name,
        "role": invitation.role.value,
        "expires_at": invitation.expires_at.isoformat(),
    }
    put_mail("invitation", invitation.email, payload, invitation.organization_id)
    if action is Action.INVITATION_SENT:
        role = ROLE_LABELS[invitation.role]
        told = {"email": invitation.email, "role": role, "expires_at": payload["expires_at"]}
        announce(Event.INVITATION_SENT, actor, told)


def _require(actor: Actor, role: Role) -> None:
    actor.require(Permission.MEMBERS_MANAGE)
    if role == Role.OWNER:
        actor.require(Permission.OWNERS_MANAGE)
