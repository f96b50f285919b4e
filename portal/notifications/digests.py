"""The daily mail of those who chose one: what may wait, told together."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, delete, select

from portal.extensions import db
from portal.identity.models import Membership, User
from portal.notifications.entry import DIGEST_TOPIC
from portal.notifications.events import Event
from portal.notifications.models import Audience, Channel, OutboxMessage, OutboxStatus, UserChannel
from portal.notifications.outbox import mark_delivered, mark_failed, put
from portal.notifications.preferences import Chosen, preferences_of
from portal.notifications.texts import UnwritableError, context_of, one_line

Written = tuple[OutboxMessage, dict[str, str]]
"""A message and what the mail says of it."""

DIGEST_HOUR = 8
"""In UTC."""
CLOSES_BEFORE = timedelta(minutes=1)
"""What comes later than this waits a day: it might be written when the mails have already been put together."""


def next_digest_at(now: datetime) -> datetime:
    """When the next daily mail leaves that what happens now will be in."""
    today = now.replace(hour=DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if now < today - CLOSES_BEFORE else today + timedelta(days=1)


def people_with_digest(until: datetime) -> Sequence[str]:
    """The ids of those for whom something waits that was due by `until`."""
    return db.session.scalars(_waiting(until).with_only_columns(OutboxMessage.recipient).distinct()).all()


def send_digest(user_id: str, until: datetime) -> bool:
    """Put one person's daily mail into the outbox, and what is in it is done; part of the caller's transaction.

    One mail a person and day, however often this runs: what came too late for it waits for the next. False where there
    was nothing to say any more.
    """
    key = f"digest-{user_id}-{until:%Y-%m-%d}"
    if db.session.scalar(select(OutboxMessage.id).where(OutboxMessage.message_key == key)) is not None:
        return False
    _forget_what_was_left(user_id)
    mine = _waiting(until).where(OutboxMessage.recipient == user_id).order_by(OutboxMessage.id.desc())
    waiting = db.session.scalars(mine.with_for_update()).all()
    user = db.session.get_one(User, user_id)
    written = _write(user, waiting)
    if written:
        put(Channel.MAIL, DIGEST_TOPIC, user.email, _payload(user, written, until), None, key)
    for message, _ in written:
        mark_delivered(message)
    return bool(written)


def _waiting(until: datetime) -> Select[OutboxMessage]:
    return select(OutboxMessage).where(
        OutboxMessage.channel == Channel.DIGEST,
        OutboxMessage.status == OutboxStatus.PENDING,
        OutboxMessage.next_attempt_at <= until,
    )


def _forget_what_was_left(user_id: str) -> None:
    """Who has left an organization since is not told of it any more."""
    if db.session.get_one(User, user_id).staff_role is not None:
        return
    still_in = select(Membership.organization_id).where(Membership.user_id == user_id)
    db.session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.channel == Channel.DIGEST,
            OutboxMessage.recipient == user_id,
            OutboxMessage.status == OutboxStatus.PENDING,
            OutboxMessage.organization_id.not_in(still_in),
        )
    )


def _write(user: User, waiting: Sequence[OutboxMessage]) -> list[Written]:
    """What is still wanted, in words; the rest is forgotten. What cannot be written is given up, and that alone."""
    written: list[Written] = []
    chosen = {audience: preferences_of(user.id, audience) for audience in Audience}
    for message in waiting:
        try:
            if user.disabled_at is None and _is_wanted(message, chosen):
                written.append((message, _item(message)))
            else:
                db.session.delete(message)
        except UnwritableError as error:
            mark_failed(message, error.message, permanent=True)
    return written


def _is_wanted(message: OutboxMessage, chosen: Mapping[Audience, Chosen]) -> bool:
    """Whether its mails are still on: they may have been switched off since."""
    try:
        event, audience = Event(message.topic), Audience(message.payload["audience"])
    except (LookupError, ValueError) as error:
        raise UnwritableError(f"The text cannot be written: {type(error).__name__}.") from error
    return UserChannel.EMAIL in chosen[audience].get(event, ())


def _payload(user: User, written: Sequence[Written], until: datetime) -> dict[str, Any]:
    items = sorted(
        ((message.payload["organization"] or "", item) for message, item in written), key=lambda it: it[0]
    )
    groups = [
        {"organization": name or None, "items": [item for _, item in found]}
        for name, found in groupby(items, key=lambda it: it[0])
    ]
    return {
        "name": user.name,
        "user_id": user.id,
        "audience": Audience(written[0][0].payload["audience"]).value,
        "day": until.date().isoformat(),
        "count": len(written),
        "groups": groups,
    }


def _item(message: OutboxMessage) -> dict[str, str]:
    context = context_of(message.topic, message.payload, message.organization_id, message.created_at)
    return {
        "text": one_line(message.topic, context),
        "link": context["link"],
        "at": context["happened_at"].isoformat(),
    }
