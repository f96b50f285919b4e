"""What a person is told in the portal. What they have looked at is theirs alone and no entry in the log."""

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, or_, select, update

from portal.actor import Actor
from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db, fetch_rows
from portal.identity.models import Membership, Organization
from portal.kit.clock import utcnow
from portal.kit.paging import Page, decode_cursor, make_page
from portal.notifications.models import Notification

PAGE_SIZE = 20
MOST_COUNTED = 10

STILL_THEIRS = or_(
    Notification.organization_id.is_(None),
    exists().where(
        Membership.user_id == Notification.user_id,
        Membership.organization_id == Notification.organization_id,
    ),
)
"""Nobody reads on in an organization that they have left; what is about themselves stays theirs."""


def _count(*more: ColumnElement[bool]) -> Select[int]:
    unread = (
        select(Notification.id)
        .where(Notification.user_id == bindparam("user"), Notification.read_at.is_(None), *more)
        .limit(MOST_COUNTED)
    )
    return select(func.count()).select_from(unread.subquery())


UNREAD_OF_CUSTOMER, UNREAD_OF_STAFF = _count(STILL_THEIRS), _count()
"""Built once: the bell asks on every page."""


def unread_count(user_id: str, is_staff: bool) -> int:
    """How many are unread, counted no further than `MOST_COUNTED`. Staff read about every organization."""
    statement = UNREAD_OF_STAFF if is_staff else UNREAD_OF_CUSTOMER
    return int(fetch_rows(statement, {"user": user_id})[0][0])


def inbox_page(user_id: str, is_staff: bool, after: str | None = None) -> Page[AnyRow]:
    """One page of what a person was told, newest first. Raises `InvalidInputError` for a bad `after`."""
    statement = (
        select(
            Notification.id,
            Notification.event,
            Notification.text,
            Notification.link,
            Notification.organization_id,
            Organization.name.label("organization_name"),
            Notification.created_at,
            Notification.read_at,
        )
        .outerjoin(Organization, Organization.id == Notification.organization_id)
        .where(Notification.user_id == user_id, *_visible(is_staff))
    )
    if cursor := decode_cursor(after, (int,)):
        statement = statement.where(Notification.id < cursor[0])
    rows = db.session.execute(statement.order_by(Notification.id.desc()).limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.id,))


def open_notification(actor: Actor, notification_id: int) -> Notification:
    """Mark one as read and return it. Raises `NotFoundError` for what is not the actor's."""
    statement = select(Notification).where(
        Notification.id == notification_id,
        Notification.user_id == actor.id,
        *_visible(actor.staff_role is not None),
    )
    found = or_not_found(db.session.scalar(statement))
    found.read_at = found.read_at or utcnow()
    return found


def mark_all_read(actor: Actor) -> int:
    """Mark everything of the actor's as read; returns how many were unread."""
    statement = (
        update(Notification)
        .where(Notification.user_id == actor.id, Notification.read_at.is_(None))
        .values(read_at=utcnow())
        .returning(Notification.id)
    )
    return len(db.session.execute(statement).all())


def _visible(is_staff: bool) -> tuple[ColumnElement[bool], ...]:
    return () if is_staff else (STILL_THEIRS,)
