"""Browsers in which somebody has signed in before: a long-lived random cookie, of which only the hash is kept."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.extensions import db, insert_into
from portal.identity.models import KnownDevice, User
from portal.kit.agents import describe_agent
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from portal.notifications.events import Event, announce

KNOWN_FOR = timedelta(days=400)  # the longest that browsers keep a cookie (RFC 6265bis)


def is_known(user_id: str, device: str) -> bool:
    """Whether this person has signed in with this device before."""
    statement = select(KnownDevice.user_id).where(
        KnownDevice.user_id == user_id, KnownDevice.token_hash == digest(device)
    )
    return db.session.scalar(statement) is not None


def recognise(actor: Actor, user: User, device: str) -> None:
    """Remember the device that `user` signs in with; one beside those already known is told to them.

    The first device of an account is remembered silently. Part of the caller's transaction.
    """
    is_new = not is_known(user.id, device)
    has_others = is_new and _has_devices(user.id)
    now = utcnow()
    row = {"user_id": user.id, "token_hash": digest(device), "first_seen_at": now, "last_seen_at": now}
    keys = [KnownDevice.user_id, KnownDevice.token_hash]
    db.session.execute(
        insert_into(KnownDevice)
        .values(row)
        .on_conflict_do_update(index_elements=keys, set_={"last_seen_at": now})
    )
    if has_others:
        name = describe_agent(actor.origin.agent)
        record(actor, Action.DEVICE_ADDED, Change("user", user.id, user.email, None, {"device": name}))
        announce(Event.NEW_DEVICE, actor, {"device": name}, about=[user.id])


def forget_devices(before: datetime) -> int:
    """Forget those that were last seen before `before`; returns how many. Part of the caller's transaction."""
    old = (
        delete(KnownDevice).where(KnownDevice.last_seen_at < before).returning(KnownDevice.token_hash)
    ).execution_options(synchronize_session=False)
    return len(db.session.execute(old).all())


def _has_devices(user_id: str) -> bool:
    return (
        db.session.scalar(select(KnownDevice.user_id).where(KnownDevice.user_id == user_id).limit(1))
        is not None
    )
