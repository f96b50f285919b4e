"""The second factor: an authenticator app, and recovery codes for the day on which it is gone."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select, update

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError
from portal.extensions import db, release_connection
from portal.identity import recovery_codes, sessions, throttle, totp
from portal.identity.models import SecondFactor, User
from portal.identity.queries import lock_user
from portal.identity.sealing import UnreadableError, seal, unseal
from portal.kit.clock import moment, utcnow
from portal.notifications.events import Event, announce

log = logging.getLogger("portal.second_factor")
WRONG_CODE = "This code does not fit. Wait for the next one in your app, or use a recovery code."
SETUP_LASTS = timedelta(minutes=30)


class FactorChange(StrEnum):
    """What happened to somebody's second factor, as mails tell it."""

    ON = "on"
    OFF = "off"
    CODES_MADE = "codes-made"
    CODE_USED = "code-used"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Setup:
    """A secret that is not in use yet. `sealed` carries it through the form, for this person alone."""

    key: str
    app_address: str
    sealed: str


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """The recovery codes, to be shown once, and the session's new token."""

    codes: list[str]
    token: str


@dataclass(frozen=True, slots=True)
class Status:
    """A second factor that is on. `codes_kept_at`: when somebody showed that they had kept the codes."""

    confirmed_at: datetime
    codes_left: int
    codes_kept_at: datetime | None


def has_second_factor(user_id: str) -> bool:
    """Whether it is on."""
    return db.session.scalar(select(SecondFactor.user_id).where(SecondFactor.user_id == user_id)) is not None


def was_set_up_since(user_id: str, since: datetime) -> bool:
    """Whether it is on, and was set up after `since`."""
    newer = select(SecondFactor.user_id).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at > since
    )
    return db.session.scalar(newer) is not None


def status_of(user_id: str) -> Status | None:
    """What the security page says of it; None where it is off."""
    columns = select(SecondFactor.confirmed_at, SecondFactor.codes_kept_at)
    row = db.session.execute(columns.where(SecondFactor.user_id == user_id)).one_or_none()
    return Status(row.confirmed_at, recovery_codes.codes_left(user_id), row.codes_kept_at) if row else None


def new_setup(user_id: str, email: str, product: str) -> Setup:
    """A fresh secret to be scanned; nothing is stored."""
    key = totp.new_key()
    ends_at = int((utcnow() + SETUP_LASTS).timestamp())
    return Setup(key, totp.app_address(key, email, product), seal(f"{ends_at} {key}", _setup_of(user_id)))


def open_setup(user_id: str, email: str, product: str, sealed: str) -> Setup | None:
    """The setup that a form has carried; None when it is another person's, too old, or not ours."""
    try:
        ends_at, key = unseal(sealed, _setup_of(user_id)).split(" ")
    except UnreadableError:
        return None
    if moment(int(ends_at)) < utcnow():
        return None
    return Setup(key, totp.app_address(key, email, product), sealed)


def turn_on(actor: Actor, user: User, token_hash: str, setup: Setup, code: str) -> TurnedOn:
    """Switch it on, or over to another app, once a code shows that the app has the secret.

    The person's other sessions end; the caller has a fresh proof. Raises `InvalidInputError`, `ConflictError`.
    """
    step = totp.matching_step(setup.key, code, utcnow())
    if step is None:
        raise InvalidInputError(
            "This code does not fit. Wait for the next one in your app and type that.", field="code"
        )
    lock_user(user.id)
    factor = db.session.get(SecondFactor, user.id, populate_existing=True) or SecondFactor(user_id=user.id)
    if factor.secret and _key_of(user.id, factor.secret) == setup.key:
        raise ConflictError("This app is set up already. Make new recovery codes if you have not seen yours.")
    factor.secret, factor.last_step = sealed_key(user.id, setup.key), step
    factor.confirmed_at, factor.codes_kept_at = utcnow(), None
    db.session.add(factor)
    codes = recovery_codes.replace_codes(user.id)
    ended = sessions.end_other_sessions(user.id, token_hash)
    _tell(actor, user, Action.SECOND_FACTOR_ON, FactorChange.ON, after={"sessions_ended": ended})
    return TurnedOn(codes, sessions.renew_session(token_hash, with_second_factor=True))


def turn_off(actor: Actor, user: User, token_hash: str) -> str:
    """Switch it off and end the other sessions; returns the session's new token. Staff may not (`ConflictError`).

    The caller has checked password and code.
    """
    if user.staff_role is not None:
        raise ConflictError("Staff need a second factor. You can move it to another app instead.")
    ended = sessions.end_other_sessions(user.id, token_hash)
    _take_off(actor, user, Action.SECOND_FACTOR_OFF, FactorChange.OFF, after={"sessions_ended": ended})
    return sessions.renew_session(token_hash, with_second_factor=False)


def remove_second_factor(actor: Actor, user: User, reason: str | None = None) -> None:
    """Take it off for somebody who has lost it, after a recovery. Raises `ConflictError` where there is none."""
    _take_off(actor, user, Action.SECOND_FACTOR_REMOVED, FactorChange.REMOVED, reason=reason)


def make_codes(actor: Actor, user: User) -> list[str]:
    """Ten new recovery codes, to be shown once; those of before end. Raises `ConflictError`."""
    factor = _factor_of(user)
    factor.codes_kept_at = None
    codes = recovery_codes.replace_codes(user.id)
    _tell(actor, user, Action.RECOVERY_CODES_MADE, FactorChange.CODES_MADE, after={"codes_left": len(codes)})
    return codes


def keep_codes(actor: Actor, user: User, code: str) -> None:
    """Note that the codes were kept, shown by one of them, which stays good.

    Raises `InvalidInputError`, and `TooManyAttemptsError`: it counts the try, so it comes before the first change.
    """
    user_id = user.id
    release_connection()  # guesses are counted in a transaction of their own; SQLite has one writer
    throttle.count_attempt(throttle.PROOF_BY_ACCOUNT, user_id)
    factor = _factor_of(user)
    if not recovery_codes.is_unused_code(user.id, code):
        raise InvalidInputError("This is not one of your unused recovery codes.", field="kept_code")
    factor.codes_kept_at = utcnow()
    record(own(actor), Action.RECOVERY_CODES_KEPT, Change("user", user.id, user.email))


def check_code(actor: Actor, user: User, code: str) -> None:
    """Take a code of the app or a recovery code. Raises `InvalidInputError`, in the same words for every wrong one.

    The caller has counted the try.
    """
    if _take_app_code(user.id, code):
        return
    if not recovery_codes.use_code(user.id, code):
        raise InvalidInputError(WRONG_CODE, field="code")
    left = {"codes_left": recovery_codes.codes_left(user.id)}
    _tell(actor, user, Action.RECOVERY_CODE_USED, FactorChange.CODE_USED, after=left)


def own(actor: Actor) -> Actor:
    """The actor without an organization: what concerns one person's account stands in their own chain."""
    return replace(actor, organization_id=None, role=None)


def _take_app_code(user_id: str, code: str) -> bool:
    columns = select(SecondFactor.secret, SecondFactor.last_step).where(SecondFactor.user_id == user_id)
    factor = db.session.execute(columns).one_or_none()
    key = _key_of(user_id, factor.secret) if factor else None
    step = totp.matching_step(key, code, utcnow()) if key else None
    if factor is None or step is None:
        return False
    # Compared and set in one statement: of two processes with the same code, one finds nothing to set.
    taken = (
        update(SecondFactor)
        .where(
            SecondFactor.user_id == user_id,
            SecondFactor.secret == factor.secret,
            SecondFactor.last_step < step,
        )
        .values(last_step=step)
        .returning(SecondFactor.user_id)
        .execution_options(synchronize_session=False)
    )
    return db.session.scalar(taken) is not None


def _key_of(user_id: str, sealed: str) -> str | None:
    """None once `SECRET_KEY` is another: then only the recovery codes work."""
    try:
        return unseal(sealed, _secret_of(user_id))
    except UnreadableError:
        log.warning("a second factor cannot be read: was SECRET_KEY changed?", extra={"user": user_id})
        return None


def _take_off(
    actor: Actor,
    user: User,
    action: Action,
    change: FactorChange,
    *,
    after: dict[str, int] | None = None,
    reason: str | None = None,
) -> None:
    db.session.delete(_factor_of(user))
    recovery_codes.forget_codes(user.id)
    _tell(actor, user, action, change, after=after, reason=reason)


def _factor_of(user: User) -> SecondFactor:
    lock_user(user.id)
    factor = db.session.get(SecondFactor, user.id, populate_existing=True)
    if factor is None:
        raise ConflictError("The second factor is off.")
    return factor


def _tell(
    actor: Actor,
    user: User,
    action: Action,
    change: FactorChange,
    *,
    after: dict[str, int] | None,
    reason: str | None = None,
) -> None:
    record(own(actor), action, Change("user", user.id, user.email, None, after), reason=reason)
    payload = {"change": change.value, "codes_left": (after or {}).get("codes_left")}
    announce(Event.SECOND_FACTOR_CHANGED, own(actor), payload, about=[user.id])


def sealed_key(user_id: str, key: str) -> str:
    """An app's secret as `SecondFactor.secret` holds it: bound to this person."""
    return seal(key, _secret_of(user_id))


def _secret_of(user_id: str) -> str:
    return f"second factor of {user_id}"


def _setup_of(user_id: str) -> str:
    return f"setup of {user_id}"
