"""A person's own account security: proving again who they are, the password, and the devices signed in."""

from dataclasses import dataclass

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import InvalidInputError
from portal.extensions import release_connection
from portal.identity import second_factor, sessions, throttle
from portal.identity.models import User
from portal.identity.passwords import hash_password, verify_password
from portal.identity.queries import lock_user, user_by_id
from portal.identity.second_factor import check_code, has_second_factor, own
from portal.identity.sessions import SignedIn
from portal.kit.agents import describe_agent
from portal.kit.clock import utcnow
from portal.notifications.events import Event, announce

WRONG_PASSWORD = "This is not your password. Check it and try again."  # noqa: S105  # nosec B105: a message


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody typed to prove who they are; the code counts only where a second factor is on."""

    password: str
    code: str


def prove(actor: Actor, token_hash: str, given: Given) -> str:
    """Prove again who one is (ASVS V7.5.1); returns the session's new token, good as a proof for ten minutes.

    Raises `TooManyAttemptsError`, and `InvalidInputError` naming `password` or `code`.
    """
    user = check(actor, given)
    record(own(actor), Action.IDENTITY_PROVED, Change("user", user.id, user.email))
    return sessions.renew_session(token_hash, with_second_factor=has_second_factor(user.id))


def check(actor: Actor, given: Given, *, password_alone: bool = False) -> User:
    """The user of `actor`, once password and code are right; their row stays locked until the transaction ends.

    Counts the try, so it comes before the first change. Raises what `prove` raises.
    """
    user_id = str(actor.id)
    release_connection()  # guesses are counted in a transaction of their own; SQLite has one writer
    throttle.count_attempt(throttle.PROOF_BY_ACCOUNT, user_id)
    lock_user(user_id)
    user = user_by_id(user_id)
    if not verify_password(user.password_hash, given.password):
        raise InvalidInputError(WRONG_PASSWORD, field="password")
    if not password_alone and has_second_factor(user.id):
        check_code(actor, user, given.code)
    throttle.forget_attempts(throttle.PROOF_BY_ACCOUNT, user.id)
    return user


def change_password(actor: Actor, session: SignedIn, given: Given, new: str, *, end_others: bool) -> str:
    """Set a new password; returns the session's new token.

    The old password is always asked for, the code only where `session` has no fresh proof. Raises `InvalidInputError`
    naming `password` (the old one), `code` or `new_password`, and `TooManyAttemptsError`.
    """
    user = check(actor, given, password_alone=session.is_proved(utcnow()))
    if new == given.password:
        raise InvalidInputError("This is your present password. Choose another one.", field="new_password")
    user.password_hash = hash_password(new, field="new_password")
    ended = sessions.end_other_sessions(user.id, session.token_hash) if end_others else 0
    record(
        own(actor),
        Action.PASSWORD_CHANGED,
        Change("user", user.id, user.email, None, {"sessions_ended": ended}),
    )
    announce(Event.PASSWORD_CHANGED, own(actor), {"others_signed_out": end_others}, about=[user.id])
    return sessions.renew_session(session.token_hash, with_second_factor=False)


def turn_off(actor: Actor, token_hash: str, given: Given) -> str:
    """Switch the second factor off; returns the session's new token. Asks for password and code, always.

    Raises what `prove` raises, and `ConflictError` for staff or where there is none.
    """
    return second_factor.turn_off(actor, check(actor, given), token_hash)


def end_other_sessions(actor: Actor, token_hash: str) -> int:
    """Sign out everywhere but here; returns how many sessions that ended. Nothing is said where there were none."""
    ended = sessions.end_other_sessions(str(actor.id), token_hash)
    if ended:
        _tell_sessions(actor, {"sessions_ended": ended})
    return ended


def end_one_session(actor: Actor, session_id: str) -> None:
    """Sign one of one's own devices out. Raises `NotFoundError`, for another person's too."""
    agent = sessions.end_one_session(str(actor.id), session_id)
    _tell_sessions(actor, {"device": describe_agent(agent), "sessions_ended": 1})


def _tell_sessions(actor: Actor, after: dict[str, object]) -> None:
    change = Change("user", str(actor.id), str(actor.email), None, after)
    record(own(actor), Action.SESSIONS_ENDED, change)
    announce(Event.SESSIONS_ENDED, own(actor), {"reason": None}, about=[str(actor.id)])
