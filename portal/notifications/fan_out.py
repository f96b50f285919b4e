"""One event becomes a message for everybody who is to be told, in one transaction: none is lost, none comes twice."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from portal.context import current_settings, services
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.kit.work import lock_claimed
from portal.notifications.audience import Happening, Told, everybody_told, happening
from portal.notifications.digests import next_digest_at
from portal.notifications.events import Event
from portal.notifications.failures import note_failure
from portal.notifications.models import (
    Audience,
    Channel,
    Notification,
    OutboxMessage,
    OutboxStatus,
    UserChannel,
)
from portal.notifications.outbox import mark_delivered, put
from portal.notifications.preferences import slack_subscriptions
from portal.notifications.texts import context_of, one_line

LONGEST_TEXT = 500
TEAM = "team"
NOT_TOLD = {"about", "addresses", "actor_id"}


def expand_event(message_id: int, worker: str) -> None:
    """Expand one claimed event and mark it; commits. A fault is a failed try of this event alone."""
    message = lock_claimed(OutboxMessage, message_id, OutboxStatus.PENDING, worker)
    if message is None:  # the lease was lost: somebody else has it
        db.session.rollback()
        return
    try:
        _expand(message)
        mark_delivered(message)
        db.session.commit()
    except Exception as error:  # noqa: BLE001  # an event that cannot be told must not come back for ever
        note_failure(message_id, worker, error)


def _expand(message: OutboxMessage) -> None:
    what = happening(Event(message.topic), message.payload, message.organization_id)
    told = everybody_told(what)
    entries = [_entry(message, what, person) for person in told if UserChannel.IN_APP in person.channels]
    if entries:
        db.session.execute(insert(Notification), entries)
    for person in told:
        if UserChannel.EMAIL in person.channels:
            _put_mail(message, what, person)
    is_heard = what.entry.is_for_staff and services().slack is not None
    if is_heard and slack_subscriptions()[what.event]:
        team = Told(TEAM, "", audience=Audience.STAFF)
        _put(Channel.SLACK, TEAM, message, what, _payload(message, what, team))


def _put_mail(message: OutboxMessage, what: Happening, person: Told) -> None:
    payload = _payload(message, what, person)
    if person.wants_digest and person.user_id:
        _put(Channel.DIGEST, person.user_id, message, what, payload, next_digest_at(utcnow()))
    else:
        _put(Channel.MAIL, person.email, message, what, payload)


def _put(
    channel: Channel,
    recipient: str,
    message: OutboxMessage,
    what: Happening,
    payload: dict[str, Any],
    due_at: datetime | None = None,
) -> None:
    key = _key(message, channel.value, recipient)
    put(channel, message.topic, recipient, payload, what.organization_id, key, due_at)


def _entry(message: OutboxMessage, what: Happening, person: Told) -> dict[str, Any]:
    """The row of the inbox. Who is no member keeps it as their own."""
    organization_id = what.organization_id
    context = context_of(
        message.topic, _payload(message, what, person), organization_id, written_at=message.created_at
    )
    belongs = person.is_member or person.audience is Audience.STAFF
    return {
        "user_id": person.user_id,
        "organization_id": organization_id if belongs else None,
        "event": message.topic,
        "text": one_line(message.topic, context)[:LONGEST_TEXT],
        "link": context["link"].removeprefix(current_settings().public_app_url),
        "message_key": _key(message, UserChannel.IN_APP.value, str(person.user_id)),
        "created_at": message.created_at,
    }


def _payload(message: OutboxMessage, what: Happening, person: Told) -> dict[str, Any]:
    """What the texts for one person read, fixed now: a second try says the same."""
    told = {name: value for name, value in message.payload.items() if name not in NOT_TOLD}
    return {
        **told,
        "organization": what.organization.name if what.organization else told.get("organization"),
        "happened_at": message.created_at.isoformat(),
        "person": what.person,
        "name": person.name,
        "user_id": person.user_id,
        "audience": person.audience.value,
        "why": person.why,
        "is_about": person.is_about,
        "is_actor": person.is_actor,
    }


def _key(message: OutboxMessage, channel: str, recipient: str) -> str:
    """The same event, channel and recipient always have the same key; it gives no address away."""
    return f"{message.message_key}-{channel}-{hashlib.sha256(recipient.encode()).hexdigest()[:22]}"
