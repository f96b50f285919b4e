"""Verbs of those who run the product: the first people and organizations."""

from dataclasses import replace

from portal.actor import Actor, system_actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.errors import ConflictError, NotFoundError
from portal.extensions import db
from portal.identity.models import Organization, User
from portal.identity.passwords import hash_password
from portal.identity.queries import organization_by_id, user_by_email
from portal.identity.second_factor import remove_second_factor
from portal.identity.sessions import end_all_sessions
from portal.kit.text import clean_email, clean_line
from portal.notifications.events import Event, announce
from portal.permissions import StaffRole
from portal.team.invitations import invite_first_owner
from portal.team.queries import get_member


def open_organization(name: str, owner_email: str, stripe_customer_id: str | None) -> Organization:
    """A new organization, and the invitation of its first owner. Raises `InvalidInputError`, `ConflictError`."""
    name = clean_line(name, field="name", maximum=120, label="The name")
    owner_email = clean_email(owner_email, field="owner")
    taken = db.select(Organization.id).where(Organization.stripe_customer_id == stripe_customer_id)
    if stripe_customer_id and db.session.scalar(taken):
        raise ConflictError("Another organization has this Stripe customer.", field="customer")
    organization = Organization(
        name=name, billing_email=owner_email, stripe_customer_id=stripe_customer_id or None
    )
    db.session.add(organization)
    db.session.flush()
    actor = system_actor(organization.id)
    record(actor, Action.ORGANIZATION_OPENED, Change("organization", organization.id, name))
    invite_first_owner(actor, organization, owner_email)
    return organization


def invite_owner(organization_id: str, email: str) -> None:
    """Another invitation of an owner. Raises `NotFoundError`, `InvalidInputError`."""
    organization = organization_by_id(organization_id, lock=True)
    invite_first_owner(system_actor(organization.id), organization, clean_email(email))


def end_sessions(actor: Actor, member_id: str, reason: str) -> None:
    """Sign a member out on every device, and tell them.

    Raises `ForbiddenError`, `InvalidInputError` (reason), `NotFoundError`.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    user = get_member(actor.organization, member_id).user
    count = end_all_sessions(user.id)
    record(
        actor,
        Action.STAFF_SESSIONS_ENDED,
        Change("user", user.id, user.email, None, {"sessions": count}),
        reason=reason,
    )
    announce(Event.SESSIONS_ENDED, replace(actor, organization_id=None), {"reason": reason}, about=[user.id])


def add_staff(email: str, name: str, password: str, role: StaffRole) -> User:
    """Somebody who may enter `/admin`. Raises `InvalidInputError`, and `ConflictError` for a known address."""
    email = clean_email(email)
    if user_by_email(email):
        raise ConflictError("There is already an account for this address.", field="email")
    user = User(
        email=email,
        name=clean_line(name, field="name", maximum=120, label="The name"),
        password_hash=hash_password(password),
        staff_role=role,
    )
    db.session.add(user)
    db.session.flush()
    record(
        system_actor(None),
        Action.STAFF_ADDED,
        Change("user", user.id, email, None, {"staff_role": role.value}),
    )
    return user


def take_off_staff_factor(email: str, reason: str) -> None:
    """For an operator: help somebody of the staff who has lost their second factor; their sessions end.

    Customers are recovered by two leads (`portal.support.recoveries`). Raises `InvalidInputError`, `NotFoundError`
    and `ConflictError`.
    """
    reason = clean_reason(reason)
    user = user_by_email(email)
    if user is None or user.staff_role is None:
        raise NotFoundError("Nobody of the staff has this address.")
    remove_second_factor(system_actor(None, "Operator"), user, reason)
    end_all_sessions(user.id)
