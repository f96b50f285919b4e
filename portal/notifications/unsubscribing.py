"""Switching off a kind of mail by the link in it, without signing in (RFC 8058)."""

import hmac
from dataclasses import dataclass

from sqlalchemy import select

from portal.actor import Origin
from portal.context import derive_token
from portal.errors import GoneError
from portal.extensions import db
from portal.identity.models import User
from portal.identity.service import actor_for
from portal.notifications.catalogue import CATALOGUE, topic_label
from portal.notifications.entry import DIGEST_TOPIC
from portal.notifications.events import Event
from portal.notifications.models import Audience, UserChannel
from portal.notifications.preferences import preferences_of, switch

NO_LONGER_GOOD = "This link does not switch off anything. Choose what you are told after signing in."


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """What a link switches off, for whom."""

    user_id: str
    email: str
    audience: Audience
    label: str
    events: frozenset[Event]


def unsubscribe_token(user_id: str, audience: Audience, topic: str) -> str:
    """The token of one person and topic: derived from `SECRET_KEY`, never stored, good for as long as that stays."""
    return f"{user_id}.{audience.value}.{topic}.{_signature(user_id, audience, topic)}"


def read_unsubscribe_token(token: str) -> Unsubscription:
    """What `token` switches off. Every token that is not ours raises the same `GoneError`."""
    parts = token.split(".")
    if len(parts) != 4 or parts[1] not in set(Audience):
        raise GoneError(NO_LONGER_GOOD)
    user_id, audience, topic = parts[0], Audience(parts[1]), parts[2]
    given, wanted = parts[3].encode(errors="replace"), _signature(user_id, audience, topic).encode()
    events = _events(topic, audience)
    if not hmac.compare_digest(given, wanted) or not events:
        raise GoneError(NO_LONGER_GOOD)
    email = db.session.scalar(select(User.email).where(User.id == user_id))
    if email is None:
        raise GoneError(NO_LONGER_GOOD)
    return Unsubscription(user_id, email, audience, topic_label(topic), events)


def unsubscribe(token: str, origin: Origin) -> Unsubscription:
    """Switch the mails off, as the person the link was sent to; twice changes nothing more. Raises `GoneError`."""
    found = read_unsubscribe_token(token)
    user = db.session.get_one(User, found.user_id)
    present = preferences_of(user.id, found.audience)
    wanted = {event: present[event] - {UserChannel.EMAIL} for event in found.events}
    switch(actor_for(user, origin), user.id, found.audience, wanted)
    return found


def are_off(found: Unsubscription) -> bool:
    """Whether none of these mails is sent any more."""
    present = preferences_of(found.user_id, found.audience)
    return all(UserChannel.EMAIL not in present[event] for event in found.events)


def _events(topic: str, audience: Audience) -> frozenset[Event]:
    """What a topic stands for; what is locked is not among it."""
    if topic == DIGEST_TOPIC:
        return frozenset(event for event, entry in CATALOGUE.items() if entry.may_wait)
    if topic not in set(Event):
        return frozenset()
    entry = CATALOGUE[Event(topic)]
    is_free = entry.is_for_staff if audience is Audience.STAFF else not entry.is_locked
    return frozenset({Event(topic)} if is_free else ())


def _signature(user_id: str, audience: Audience, topic: str) -> str:
    return derive_token(f"unsubscribe:{user_id}:{audience.value}:{topic}")
