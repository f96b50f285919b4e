"""What people and the team want to be told, on which channels: the catalogue's defaults and what they chose instead."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.actor import Actor, ActorKind
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import ConflictError, ForbiddenError, InvalidInputError
from portal.extensions import db
from portal.identity.models import User
from portal.kit.clock import utcnow
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    Digest,
    NotificationPreference,
    NotificationSettings,
    SlackSubscription,
    UserChannel,
)
from portal.permissions import StaffRole

Chosen = Mapping[Event, frozenset[UserChannel]]
CHANNEL_WORDS = {UserChannel.EMAIL: "by email", UserChannel.IN_APP: "in the portal"}


def default_channels(event: Event, audience: Audience) -> frozenset[UserChannel]:
    """On which channels somebody is told who has chosen nothing.

    Staff are told of what they subscribe to, and of what nobody else is told of.
    """
    entry = CATALOGUE[event]
    return entry.defaults if (audience is Audience.STAFF) == entry.is_staff_only else frozenset()


def is_locked(event: Event, audience: Audience) -> bool:
    """Whether both channels stay on whatever is chosen."""
    return audience is Audience.CUSTOMER and CATALOGUE[event].is_locked


def events_for(audience: Audience) -> list[Event]:
    """The events that people of this kind can be told of, in the catalogue's order."""
    is_staff = audience is Audience.STAFF
    return [
        event
        for event, entry in CATALOGUE.items()
        if (entry.is_for_staff if is_staff else not entry.is_staff_only)
    ]


def preferences_of(user_id: str, audience: Audience) -> dict[Event, frozenset[UserChannel]]:
    """On which channels a person is told of each event that they can be told of."""
    stored = select(
        NotificationPreference.event, NotificationPreference.channel, NotificationPreference.is_on
    ).where(NotificationPreference.user_id == user_id, NotificationPreference.audience == audience)
    chosen: dict[str, dict[UserChannel, bool]] = {}
    for event, channel, is_on in db.session.execute(stored):
        chosen.setdefault(event, {})[channel] = is_on
    return {event: channels_of(event, audience, chosen.get(event, {})) for event in events_for(audience)}


def channels_of(
    event: Event, audience: Audience, chosen: Mapping[UserChannel, bool]
) -> frozenset[UserChannel]:
    """The channels of one event, from what was chosen where anything was."""
    defaults = default_channels(event, audience)
    if is_locked(event, audience):
        return defaults
    return frozenset(channel for channel in UserChannel if chosen.get(channel, channel in defaults))


def digest_of(user_id: str) -> Digest:
    """Whether the person gets what may wait in one mail a day."""
    settings = db.session.get(NotificationSettings, user_id)
    return settings.digest if settings else Digest.NONE


def set_preferences(actor: Actor, audience: Audience, wanted: Chosen, digest: Digest | None = None) -> None:
    """Be told of exactly this; events that are not in `wanted` stay as they are, and so does a `digest` of None.

    Raises `InvalidInputError` naming an event that cannot be switched off or that nobody of this kind is told of, and
    `ForbiddenError` for staff's choices of somebody else.
    """
    if actor.id is None or actor.kind not in (ActorKind.USER, ActorKind.STAFF):
        raise ForbiddenError("Only people choose what they are told.")
    if audience is Audience.STAFF:
        actor.require_staff(StaffRole.SUPPORT)
    for event, channels in wanted.items():
        _require_possible(event, audience)
        if is_locked(event, audience) and channels != default_channels(event, audience):
            entry = CATALOGUE[event]
            message = f"{entry.label} cannot be switched off, because {entry.locked_reason}."
            raise InvalidInputError(message, field=event.value)
    switch(actor, actor.id, audience, wanted, digest)


def switch(
    actor: Actor, user_id: str, audience: Audience, wanted: Chosen, digest: Digest | None = None
) -> None:
    """Write what differs from the present choice, and one audit row if anything does. What is allowed was checked."""
    user = db.session.scalars(select(User).where(User.id == user_id).with_for_update(key_share=True)).one()
    present = preferences_of(user_id, audience)
    changed = [
        (event, channel, channel in wanted[event])
        for event in wanted
        for channel in UserChannel
        if (channel in wanted[event]) != (channel in present[event])
    ]
    for event, channel, is_on in changed:
        row = NotificationPreference(
            user_id=user_id, audience=audience, event=event.value, channel=channel, is_on=is_on
        )
        db.session.merge(row)
    after: dict[str, object] = {_name(event, channel): is_on for event, channel, is_on in changed}
    before: dict[str, object] = {name: not is_on for name, is_on in after.items()}
    if digest is not None and digest != digest_of(user_id):
        before["Daily digest"], after["Daily digest"] = digest is Digest.NONE, digest is Digest.DAILY
        db.session.merge(NotificationSettings(user_id=user_id, digest=digest))
    if after:
        record(
            actor, Action.NOTIFICATIONS_CHOSEN, Change("notifications", user_id, user.email, before, after)
        )


def slack_subscriptions() -> dict[Event, bool]:
    """Of which events the team that runs the product is told in Slack."""
    stored = dict(db.session.execute(select(SlackSubscription.event, SlackSubscription.is_on)).all())
    return {event: stored.get(event, CATALOGUE[event].is_on_in_slack) for event in events_for(Audience.STAFF)}


def set_slack_subscriptions(actor: Actor, wanted: Mapping[Event, bool]) -> None:
    """Tell the team of exactly this in Slack; other events stay. Raises `ForbiddenError`, `InvalidInputError`."""
    actor.require_staff(StaffRole.LEAD)
    for event in wanted:
        _require_possible(event, Audience.STAFF)
    present = slack_subscriptions()
    after = {event: is_on for event, is_on in wanted.items() if is_on != present[event]}
    for event, is_on in after.items():
        row = SlackSubscription(event=event.value, is_on=is_on, changed_by=actor.name, changed_at=utcnow())
        db.session.merge(row)
    try:
        db.session.flush()
    except IntegrityError:  # two leads chose for the first time in this very moment
        raise ConflictError("Somebody else has just changed this. Reload the page.") from None
    if after:
        labels = {CATALOGUE[event].label: is_on for event, is_on in after.items()}
        before = {label: not is_on for label, is_on in labels.items()}
        record(actor, Action.SLACK_CHOSEN, Change("slack", "team", "Slack", before, labels))


def _require_possible(event: Event, audience: Audience) -> None:
    if event not in events_for(audience):
        message = f"This cannot be chosen here: {CATALOGUE[event].label}."
        raise InvalidInputError(message, field=event.value)


def _name(event: Event, channel: UserChannel) -> str:
    return f"{CATALOGUE[event].label} {CHANNEL_WORDS[channel]}"
