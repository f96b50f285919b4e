"""Verbs of identity: signing out, and the profile. Signing in stands in `portal.identity.signing_in`."""

from sqlalchemy import update

from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.extensions import db
from portal.identity import sessions
from portal.identity.models import Membership, User
from portal.kit.text import clean_line, sort_key


def sign_out(actor: Actor, token_hash: str) -> None:
    """End the session that `token_hash` belongs to."""
    sessions.end_session(token_hash)
    record(actor, Action.SESSION_ENDED, Change("user", str(actor.id), str(actor.email)))


def rename(actor: Actor, user: User, name: str) -> None:
    """Change a person's own name, everywhere it is shown. Raises `InvalidInputError`."""
    name = clean_line(name, field="name", maximum=120)
    if name == user.name:
        return
    before, user.name = user.name, name
    db.session.execute(
        update(Membership).where(Membership.user_id == user.id).values(sort_name=sort_key(name))
    )
    record(
        actor, Action.PROFILE_NAME_CHANGED, Change("user", user.id, name, {"name": before}, {"name": name})
    )


def actor_for(user: User, origin: Origin) -> Actor:
    """The actor for somebody who has just proved who they are, before any organization is chosen."""
    kind = ActorKind.STAFF if user.staff_role else ActorKind.USER
    return Actor(kind, user.id, user.name, email=user.email, staff_role=user.staff_role, origin=origin)
