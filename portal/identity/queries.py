"""Selects about people and organizations."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db
from portal.identity.models import Membership, Organization, User


def user_by_email(email: str) -> User | None:
    """The user with this address, in any case of letters."""
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def user_by_id(user_id: str) -> User:
    """The user, or `NotFoundError`."""
    return or_not_found(db.session.get(User, user_id))


def lock_user(user_id: str) -> None:
    """Hold the user's row until the transaction ends (Postgres): their sign-in data changes one at a time.

    FOR NO KEY UPDATE: rows that only point at the user may still be inserted meanwhile.
    """
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


def organization_by_id(organization_id: str, *, lock: bool = False) -> Organization:
    """The organization, or `NotFoundError`. `lock` holds its row until the transaction ends (Postgres).

    FOR NO KEY UPDATE: rows that only point at the organization may still be inserted meanwhile.
    """
    statement = select(Organization).where(Organization.id == organization_id)
    return or_not_found(db.session.scalar(locked(statement) if lock else statement))


def locked(statement: Select[Organization]) -> Select[Organization]:
    """The same organization, read anew and held until the transaction ends."""
    return statement.with_for_update(key_share=True).execution_options(populate_existing=True)


def memberships_of_user(user_id: str) -> Sequence[AnyRow]:
    """`organization_id`, `name`, `role` of every organization the user belongs to, by name."""
    statement = (
        select(Membership.organization_id, Organization.name, Membership.role)
        .join(Organization, Organization.id == Membership.organization_id)
        .where(Membership.user_id == user_id)
        .order_by(Organization.name, Organization.id)
    )
    return db.session.execute(statement).all()
