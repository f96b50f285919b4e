"""What was sent and what could not be: for staff."""

from typing import Any

from sqlalchemy import Select, select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.database import AnyRow
from portal.errors import ConflictError, or_not_found
from portal.extensions import db
from portal.identity.models import Organization, User
from portal.kit.clock import utcnow
from portal.kit.paging import Page, decode_cursor, make_page
from portal.notifications.digests import next_digest_at
from portal.notifications.models import Channel, Notification, OutboxMessage, OutboxStatus
from portal.notifications.outbox import RESENT
from portal.permissions import StaffRole

PAGE_SIZE = 30
TO_PEOPLE = (Channel.MAIL, Channel.DIGEST, Channel.SLACK)
MESSAGE_ROWS = select(
    OutboxMessage.id,
    OutboxMessage.channel,
    OutboxMessage.topic,
    OutboxMessage.recipient,
    OutboxMessage.status,
    OutboxMessage.attempts,
    OutboxMessage.created_at,
    OutboxMessage.delivered_at,
    OutboxMessage.last_error,
    OutboxMessage.organization_id,
    Organization.name.label("organization_name"),
).outerjoin(Organization, Organization.id == OutboxMessage.organization_id)


def dead_letters_page(after: str | None = None) -> Page[AnyRow]:
    """What was given up, on every channel, newest first. Raises `InvalidInputError` for a bad `after`."""
    return _page(MESSAGE_ROWS.where(OutboxMessage.status == OutboxStatus.DEAD), after)


def dead_letter(message_id: int) -> OutboxMessage:
    """A message that was given up. Raises `NotFoundError`."""
    query = select(OutboxMessage).where(OutboxMessage.id == message_id)
    return or_not_found(db.session.scalar(query.where(OutboxMessage.status == OutboxStatus.DEAD)))


def messages_of_organization(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """What went, or is to go, to people about an organization, newest first. Raises `InvalidInputError`."""
    about = MESSAGE_ROWS.where(
        OutboxMessage.organization_id == organization_id, OutboxMessage.channel.in_(TO_PEOPLE)
    )
    return _page(about, after)


def notifications_of_organization(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """What people were told in the portal about an organization, newest first. Raises `InvalidInputError`."""
    statement = (
        select(
            Notification.id,
            Notification.event,
            Notification.text,
            User.name.label("user_name"),
            User.email.label("user_email"),
            Notification.created_at,
            Notification.read_at,
        )
        .join(User, User.id == Notification.user_id)
        .where(Notification.organization_id == organization_id)
    )
    if cursor := decode_cursor(after, (int,)):
        statement = statement.where(Notification.id < cursor[0])
    rows = db.session.execute(statement.order_by(Notification.id.desc()).limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.id,))


def resend(actor: Actor, message_id: int, reason: str) -> OutboxMessage:
    """Try a message that was given up again, from the start of the timetable; for leads.

    It keeps its key. What is written at Stripe gets other idempotency keys than before, since Stripe would repeat the
    failures that it has stored under those.
    Raises `ForbiddenError`, `NotFoundError`, `InvalidInputError` (reason), `ConflictError` (it was not given up).
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    locked = select(OutboxMessage).where(OutboxMessage.id == message_id).with_for_update()
    message = or_not_found(db.session.scalar(locked.execution_options(populate_existing=True)))
    if message.status is not OutboxStatus.DEAD:
        raise ConflictError("This message was not given up: it was sent or will be tried again by itself.")
    due_at = next_digest_at(utcnow()) if message.channel is Channel.DIGEST else utcnow()
    message.status, message.attempts, message.next_attempt_at = OutboxStatus.PENDING, 0, due_at
    if message.channel is Channel.STRIPE:
        message.payload = {**message.payload, RESENT: message.payload.get(RESENT, 0) + 1}
    change = Change("message", message.message_key, message.recipient, None, {"topic": message.topic})
    record(actor.within(message.organization_id), Action.MESSAGE_RESENT, change, reason=reason)
    return message


def _page(statement: Select[*tuple[Any, ...]], after: str | None) -> Page[AnyRow]:
    if cursor := decode_cursor(after, (int,)):
        statement = statement.where(OutboxMessage.id < cursor[0])
    rows = db.session.execute(statement.order_by(OutboxMessage.id.desc()).limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.id,))
