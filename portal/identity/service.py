"""Verbs of identity: signing in and out, and the profile."""

from sqlalchemy import update

from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.identity import sessions, throttle
from portal.identity.models import Membership, User
from portal.identity.passwords import needs_rehash, rehash, verify_password
from portal.identity.queries import user_by_email
from portal.kit.text import clean_line, sort_key
from portal.kit.tokens import digest

WRONG_SIGN_IN = "This email and password do not match. Check both and try again."


def sign_in(email: str, password: str, origin: Origin, *, old_token: str = "") -> str:
    """Check the password and start a session; returns its token. The session of `old_token` ends (ASVS V7.2.4).

    Raises `TooManyAttemptsError` and, with the same words whether or not the account exists, `InvalidInputError`.
    """
    email = email.strip().lower()
    account_key = f"{email}|{origin.address}"
    throttle.count_attempt(throttle.SIGN_IN_BY_ADDRESS, str(origin.address))
    throttle.count_attempt(throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS, account_key)
    user = user_by_email(email)
    if (
        not verify_password(user.password_hash if user else None, password)
        or user is None
        or user.disabled_at
    ):
        raise InvalidInputError(WRONG_SIGN_IN, field="password")
    if user.password_hash and needs_rehash(user.password_hash):
        user.password_hash = rehash(password)
    throttle.forget_attempts(throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS, account_key)
    if old_token:
        sessions.end_session(digest(old_token))
    token = sessions.start_session(user, origin)
    record(actor_for(user, origin), Action.SESSION_STARTED, Change("user", user.id, user.email))
    return token


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
