"""The outbox: put messages in with the change they tell of; claim and mark them when delivering."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, union_all
from sqlalchemy.orm import aliased

from portal.database import AnyRow
from portal.extensions import db
from portal.journal import journal_of
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.kit.work import RETRY_SCHEDULE, claim_due
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus

DELIVERY_SCHEDULE = RETRY_SCHEDULE
"""Seconds to wait after each failed try; after the last the message is dead."""
MAXIMUM_ERROR_LENGTH = 500
RESENT = "resent"
"""In the payload of a message to Stripe: how often it was given up and taken up again."""
UNTOLD = ("'pending'", "'dead'")
"""Said so, for the indexes that hold only these."""


_earlier = aliased(OutboxMessage)
_first = (
    select(func.min(_earlier.id))
    .where(
        _earlier.channel == OutboxMessage.channel,
        _earlier.recipient == OutboxMessage.recipient,
        _earlier.status == text("'pending'"),  # said so, for the index that holds only these
    )
    .correlate(OutboxMessage)
)
# Not by EXISTS: Postgres makes a join of that, and where it believes in a short queue one of each row with each other.
IS_FIRST = OutboxMessage.id == _first.scalar_subquery()


def put_mail(topic: str, recipient: str, payload: dict[str, Any], organization_id: str | None) -> None:
    """Queue one mail in the caller's transaction. `payload` holds plain values for the template, never a secret."""
    put(Channel.MAIL, topic, recipient, payload, organization_id)


def put_stripe(
    topic: str, recipient: str, organization_id: str | None, details: Collection[str] = ()
) -> None:
    """Queue one call to Stripe in the caller's transaction; the present state is read when it is made.

    `details` names what was changed, where not all that the topic is about is to be told.
    """
    payload = {"details": sorted(details)} if details else {}
    put(Channel.STRIPE, topic, recipient, payload, organization_id)


def claim_messages(worker: str, channel: Channel, limit: int) -> list[OutboxMessage]:
    """Claim up to `limit` due messages of a channel; commits. A killed worker's claims expire by themselves.

    Of each recipient only the oldest that is waiting: what happened later is told later, also when a try failed.
    """
    only = (OutboxMessage.channel == channel, IS_FIRST)
    return claim_due(OutboxMessage, OutboxStatus.PENDING, worker, limit, *only)


def mark_delivered(message: OutboxMessage) -> None:
    """The other side has taken it."""
    message.status = OutboxStatus.DELIVERED
    message.delivered_at = utcnow()
    message.attempts += 1
    message.claimed_until = message.claimed_by = message.next_attempt_at = message.last_error = None


def ask_again(message: OutboxMessage, at: datetime) -> None:
    """It was taken, but what it tells of has changed since: once more at `at`."""
    message.attempts += 1
    message.next_attempt_at = at
    message.claimed_until = message.claimed_by = None


def mark_failed(message: OutboxMessage, error: str, *, permanent: bool, wait_seconds: int = 0) -> None:
    """Plan the next try, or give up where there is none left or none makes sense.

    `wait_seconds` is how long the other side asked to be left alone: no try comes before that.
    """
    message.attempts += 1
    message.last_error = error[:MAXIMUM_ERROR_LENGTH]
    message.claimed_until = message.claimed_by = None
    now = utcnow()
    planned = None if permanent else DELIVERY_SCHEDULE.next_attempt(message.attempts, now)
    message.next_attempt_at = planned and max(planned, now + timedelta(seconds=wait_seconds))
    if message.next_attempt_at is None:
        message.status = OutboxStatus.DEAD


def untold(channel: Channel, recipient: str, topic: str) -> Sequence[AnyRow]:
    """What was committed and has not reached the other side, because it waits or was given up."""
    about = (
        OutboxMessage.channel == channel,
        OutboxMessage.recipient == recipient,
        OutboxMessage.topic == topic,
    )
    columns = (
        OutboxMessage.channel,
        OutboxMessage.topic,
        OutboxMessage.recipient,
        OutboxMessage.organization_id,
        OutboxMessage.status,
        OutboxMessage.payload,
        OutboxMessage.created_at,
    )
    states = [select(*columns).where(*about, OutboxMessage.status == text(name)) for name in UNTOLD]
    return db.session.execute(union_all(*states)).all()


def delivered_since(message: AnyRow, moment: datetime) -> Sequence[AnyRow]:
    """`payload` and `delivered_at` of what was delivered after `moment`, on the topic of `message`, to its side."""
    statement = select(OutboxMessage.payload, OutboxMessage.delivered_at).where(
        OutboxMessage.organization_id == message.organization_id,
        OutboxMessage.channel == message.channel,
        OutboxMessage.recipient == message.recipient,
        OutboxMessage.topic == message.topic,
        OutboxMessage.status == OutboxStatus.DELIVERED,
        OutboxMessage.delivered_at > moment,
    )
    return db.session.execute(statement).all()


def put(
    channel: Channel,
    topic: str,
    recipient: str,
    payload: dict[str, Any],
    organization_id: str | None,
    message_key: str | None = None,
    due_at: datetime | None = None,
) -> None:
    """Queue one message in the caller's transaction, due now unless said otherwise.

    It is written with the commit (`portal.journal`).
    """
    now = utcnow()
    journal_of(db.session()).messages.append(
        {
            "organization_id": organization_id,
            "channel": channel.value,
            "topic": topic,
            "recipient": recipient,
            "payload": payload,
            "message_key": message_key or new_id("msg"),
            "status": OutboxStatus.PENDING.value,
            "attempts": 0,
            "created_at": now,
            "next_attempt_at": due_at or now,
        }
    )
