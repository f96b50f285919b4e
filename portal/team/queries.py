"""Selects about a team. Plain rows for lists: entities cost twice as much (docs/decisions)."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, tuple_

from portal.database import AnyRow, UTCDateTime
from portal.errors import or_not_found
from portal.extensions import db, fetch_rows
from portal.identity.models import Membership, User
from portal.kit.clock import utcnow
from portal.kit.paging import Page, decode_cursor, make_page
from portal.kit.text import sort_key
from portal.permissions import Role
from portal.team.models import Invitation

PAGE_SIZE = 25
MEMBER_ROWS = select(
    Membership.id,
    Membership.user_id,
    Membership.role,
    Membership.sort_name,
    Membership.created_at,
    User.name,
    User.email,
).join(User, User.id == Membership.user_id)
FIRST_MEMBERS = (
    MEMBER_ROWS.where(Membership.organization_id == bindparam("organization"))
    .order_by(Membership.sort_name, Membership.id)
    .limit(PAGE_SIZE + 1)
)
ROLE_COUNTS = (
    select(Membership.role, func.count())
    .where(Membership.organization_id == bindparam("organization"))
    .group_by(Membership.role)
)

OPEN_INVITATIONS = (
    select(
        Invitation.id,
        Invitation.email,
        Invitation.role,
        Invitation.invited_by_name,
        Invitation.created_at,
        Invitation.expires_at,
    )
    .where(
        Invitation.organization_id == bindparam("organization"),
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > bindparam("now", type_=UTCDateTime),
    )
    .order_by(Invitation.created_at.desc(), Invitation.id)
    .limit(200)
)
"""Selects that a page asks for are built once: building one takes longer than asking it."""


def members_page(organization_id: str, search: str = "", after: str | None = None) -> Page[AnyRow]:
    """One page of members by name; `search` looks in names and addresses. A bad `after` raises `InvalidInputError`."""
    statement = FIRST_MEMBERS
    if search:
        statement = statement.where(_matches(search))
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(tuple_(Membership.sort_name, Membership.id) > cursor)
    rows = fetch_rows(statement, {"organization": organization_id})
    return make_page(rows, PAGE_SIZE, lambda row: (row.sort_name, row.id))


def member_row(organization_id: str, member_id: str) -> AnyRow:
    """One member as in the list, or `NotFoundError`."""
    statement = MEMBER_ROWS.where(Membership.organization_id == organization_id, Membership.id == member_id)
    return or_not_found(db.session.execute(statement).one_or_none())


def get_member(organization_id: str, member_id: str) -> Membership:
    """The membership of this organization, with its user, or `NotFoundError`."""
    statement = (
        select(Membership)
        .where(Membership.organization_id == organization_id, Membership.id == member_id)
        .options(db.joinedload(Membership.user))
        .execution_options(populate_existing=True)
    )
    return or_not_found(db.session.scalar(statement))


def role_counts(organization_id: str) -> dict[Role, int]:
    """How many members hold each role; roles nobody holds are absent."""
    return dict(fetch_rows(ROLE_COUNTS, {"organization": organization_id}))


def is_member(organization_id: str, email: str) -> bool:
    """Whether somebody with this address already belongs to the organization."""
    statement = (
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.organization_id == organization_id, User.email == email)
    )
    return db.session.scalar(statement) is not None


def open_invitations(organization_id: str) -> Sequence[AnyRow]:
    """Invitations that can still be accepted, newest first."""
    values = {"organization": organization_id, "now": utcnow()}
    return fetch_rows(OPEN_INVITATIONS, values)


def open_invitation_count(organization_id: str) -> int:
    """How many invitations can still be accepted."""
    statement = select(func.count()).where(Invitation.organization_id == organization_id, _is_open())
    return db.session.scalar(statement) or 0


def seats_in_use(organization_id: str) -> int:
    """How many people belong to the organization or are invited to it: each needs a seat."""
    return sum(role_counts(organization_id).values()) + open_invitation_count(organization_id)


def open_invitation_for(organization_id: str, email: str) -> Invitation | None:
    """The invitation of this address that can still be accepted, if any."""
    statement = select(Invitation).where(
        Invitation.organization_id == organization_id, Invitation.email == email, _is_open()
    )
    return db.session.scalar(statement)


def get_invitation(organization_id: str, invitation_id: str) -> Invitation:
    """The invitation of this organization, locked for a change, or `NotFoundError`."""
    statement = (
        select(Invitation)
        .where(Invitation.organization_id == organization_id, Invitation.id == invitation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return or_not_found(db.session.scalar(statement))


def _is_open() -> ColumnElement[bool]:
    return and_(
        Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > utcnow()
    )


def _matches(search: str) -> ColumnElement[bool]:
    return or_(
        Membership.sort_name.contains(sort_key(search), autoescape=True),
        User.email.contains(search.strip().lower(), autoescape=True),
    )
