"""Signing in: the password, then the second factor where it is on, and only then a session."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.actor import Origin
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import GoneError, InvalidInputError
from portal.extensions import db, release_connection
from portal.identity import devices, sessions, throttle
from portal.identity.models import User
from portal.identity.passwords import needs_rehash, rehash, verify_password
from portal.identity.queries import lock_user, user_by_email
from portal.identity.second_factor import check_code, has_second_factor
from portal.identity.service import actor_for
from portal.kit.clock import utcnow
from portal.kit.tokens import digest

WRONG_SIGN_IN = "This email and password do not match. Check both and try again."
SIGN_IN_OVER = "That took too long, or your password was changed. Start again."
PENDING_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Browser:
    """Who stands at the door: where from, the token of its device cookie, and of the session that it still holds."""

    origin: Origin
    device: str
    old_token: str = ""


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """The password was right and the second factor is still to come. `version` ties it to the password as it was."""

    user_id: str
    version: str
    ends_at: datetime


def sign_in(email: str, password: str, browser: Browser) -> str | PendingSignIn:
    """Check the password. Returns a new session's token, or what is pending where a second factor is on.

    The session that the browser held ends (ASVS V7.2.4). Raises `TooManyAttemptsError` and, with the same words
    whether or not the account exists, `InvalidInputError`.
    """
    email = email.strip().lower()
    account_key = f"{email}|{browser.origin.address}"
    throttle.count_attempt(throttle.SIGN_IN_BY_ADDRESS, str(browser.origin.address))
    throttle.count_attempt(throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS, account_key)
    user = _checked_user(email, password)
    if user.password_hash and needs_rehash(user.password_hash):
        user.password_hash = rehash(password)
    throttle.forget_attempts(throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS, account_key)
    if has_second_factor(user.id):
        return PendingSignIn(user.id, _version_of(user), utcnow() + PENDING_LASTS)
    return open_session(user, browser)


def _checked_user(email: str, password: str) -> User:
    """The user with this address and password; their row stays locked until the transaction ends."""
    user = user_by_email(email)
    checked = user.password_hash if user else None
    if not verify_password(checked, password) or user is None:
        raise InvalidInputError(WRONG_SIGN_IN, field="password")
    # The check takes its time: a session of the old password must not begin after a new one has ended the others.
    lock_user(user.id)
    db.session.refresh(user)
    is_other = user.password_hash != checked
    if user.disabled_at or (is_other and not verify_password(user.password_hash, password)):
        raise InvalidInputError(WRONG_SIGN_IN, field="password")
    return user


def pending_user(pending: PendingSignIn) -> User:
    """Whose second factor is awaited. Raises `GoneError` when too late, or when their sign-in data is other by now."""
    user = db.session.get(User, pending.user_id)
    if (
        user is None
        or user.disabled_at
        or pending.ends_at < utcnow()
        or pending.version != _version_of(user)
        or not has_second_factor(user.id)
    ):
        raise GoneError(SIGN_IN_OVER)
    return user


def finish_sign_in(pending: PendingSignIn, code: str, browser: Browser) -> str:
    """Check the code of the app or a recovery code; returns a new session's token.

    Raises `GoneError`, `TooManyAttemptsError`, and `InvalidInputError` in the same words for every wrong code.
    """
    key = f"{pending.user_id}|{browser.origin.address}"
    # Who knows the password and guesses from many addresses must not lock the owner's devices out: each counts alone.
    is_known = devices.is_known(pending.user_id, browser.device)
    whose = f"{pending.user_id}|{browser.device}" if is_known else pending.user_id
    release_connection()  # guesses are counted in a transaction of their own; SQLite has one writer
    throttle.count_attempt(throttle.SECOND_FACTOR_BY_ACCOUNT_AND_ADDRESS, key)
    throttle.count_attempt(throttle.SECOND_FACTOR_BY_ACCOUNT, whose)
    lock_user(pending.user_id)
    user = pending_user(pending)
    check_code(actor_for(user, browser.origin), user, code)
    throttle.forget_attempts(throttle.SECOND_FACTOR_BY_ACCOUNT_AND_ADDRESS, key)
    throttle.forget_attempts(throttle.SECOND_FACTOR_BY_ACCOUNT, whose)
    return open_session(user, browser, with_second_factor=True)


def open_session(user: User, browser: Browser, *, with_second_factor: bool = False) -> str:
    """Start the session of somebody who has given all that is asked for; returns its token."""
    if browser.old_token:
        sessions.end_session(digest(browser.old_token))
    actor = actor_for(user, browser.origin)
    token = sessions.start_session(user, browser.origin, with_second_factor=with_second_factor)
    record(actor, Action.SESSION_STARTED, Change("user", user.id, user.email))
    devices.recognise(actor, user, browser.device)
    return token


def _version_of(user: User) -> str:
    """Another one as soon as the password is another. A digest of a salted hash gives nothing away."""
    return digest(f"{user.id}:{user.password_hash}")[:22]
