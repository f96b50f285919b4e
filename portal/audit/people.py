"""Who a reader of the log may ask for: people, and what acts without being one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select

from portal.actor import ActorKind
from portal.audit.models import AuditEntry
from portal.database import AnyRow
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.identity.models import Membership, Organization, User

MOST_LISTED = 200
KIND_LABELS = {
    ActorKind.STAFF: "Staff",
    ActorKind.KEY: "API keys",
    ActorKind.STRIPE: "Stripe",
    ActorKind.SYSTEM: "Portal",
}
"""Kinds of actors other than people, by what they are called on the page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose rows are asked for: a kind or one actor; neither asks for all."""

    kind: ActorKind | None = None
    actor_id: str | None = None


def team_choices(organization_id: str) -> Sequence[AnyRow]:
    """(id, name) of the team by name, at most `MOST_LISTED`."""
    statement = (
        select(User.id, User.name)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == organization_id)
        .order_by(Membership.sort_name, Membership.id)
        .limit(MOST_LISTED)
    )
    return db.session.execute(statement).all()


def asked_in_team(organization_id: str, value: str) -> Asked:
    """What a value of the list means in an organization. Raises `InvalidInputError` for somebody unknown there."""
    if not value or value in set(KIND_LABELS):
        return Asked(ActorKind(value) if value else None)
    is_member = exists().where(Membership.organization_id == organization_id, Membership.user_id == value)
    has_acted = exists().where(AuditEntry.organization_id == organization_id, AuditEntry.actor_id == value)
    if not db.session.scalar(select(is_member | has_acted)):
        raise InvalidInputError("Choose somebody from the list.", field="person")
    return Asked(actor_id=value)


def asked_anywhere(value: str) -> Asked:
    """What staff may write: an address, an id, or a kind by its name. Raises `InvalidInputError` for nobody known."""
    kinds = {label.lower(): kind for kind, label in KIND_LABELS.items()}
    if not value or value.lower() in kinds:
        return Asked(kinds[value.lower()] if value else None)
    user_id = db.session.scalar(select(User.id).where(User.email == value.lower()))
    if user_id is None and db.session.scalar(select(exists().where(AuditEntry.actor_id == value))):
        user_id = value
    if user_id is None:
        message = "Nobody with this address or id has done anything here."
        raise InvalidInputError(message, field="person")
    return Asked(actor_id=user_id)


def asked_organization(value: str) -> str | None:
    """The id of the organization that staff name by its id or its whole name. Raises `InvalidInputError`."""
    if not value:
        return None
    named = select(Organization.id).where((Organization.id == value) | (Organization.name == value)).limit(2)
    found = db.session.scalars(named).all()
    if len(found) == 1:
        return found[0]
    if not found and db.session.scalar(select(exists().where(AuditEntry.organization_id == value))):
        return value  # it is gone, its log is not
    message = (
        "Several are called that. Write the id." if found else "There is no organization of this id or name."
    )
    raise InvalidInputError(message, field="organization")


def name_in_log(organization_id: str, actor_id: str) -> str | None:
    """What the log calls an actor who is not in the list."""
    statement = (
        select(AuditEntry.actor_name)
        .where(AuditEntry.organization_id == organization_id, AuditEntry.actor_id == actor_id)
        .limit(1)
    )
    return db.session.scalar(statement)


def organization_names(rows: Sequence[AnyRow]) -> dict[str, str]:
    """The names of the organizations of some rows of the log, by id; those that are gone are left out."""
    ids = {row.organization_id for row in rows} - {None}
    found = db.session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(ids)))
    return {row.id: row.name for row in found}
