"""Server-side sessions: a random token in a cookie, its hash in the database, asked on every request."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.exc import OperationalError

from portal.actor import Origin
from portal.database import AnyRow, UTCDateTime, brief_transaction
from portal.errors import NotFoundError
from portal.extensions import db, fetch_rows
from portal.identity.models import Membership, Organization, User, UserSession
from portal.kit.clock import utcnow
from portal.kit.tokens import digest, new_secret
from portal.permissions import Role, StaffRole
from portal.rollout.queries import closed_by, flag_columns

log = logging.getLogger("portal.sessions")
CUSTOMER_IDLE, CUSTOMER_LIFETIME = timedelta(days=7), timedelta(days=30)  # ASVS V7.3.1, V7.3.2
STAFF_IDLE, STAFF_LIFETIME = timedelta(minutes=30), timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=5)
PROOF_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CustomerView:
    """Somebody of the staff looks at this organization, read-only; see `portal.support.views`."""

    id: str
    organization_id: str
    organization_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a session belongs to and where they stand, as of this request.

    `payment_trouble` is the organization's, so that the pages' banner costs no query where nothing is wrong, and
    `closed_screens` are those that are switched off for it, by `portal.rollout`.
    """

    session_id: str
    token_hash: str
    last_seen_at: datetime
    second_factor_at: datetime | None
    proved_at: datetime
    user_id: str
    email: str
    name: str
    staff_role: StaffRole | None
    organization_id: str | None
    organization_name: str | None
    role: Role | None
    memberships_count: int
    payment_trouble: str | None
    closed_screens: frozenset[str] = frozenset()
    view: CustomerView | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether `last_seen_at` wants to be written again."""
        return now - self.last_seen_at > TOUCH_EVERY

    def is_proved(self, now: datetime) -> bool:
        """Whether password, and second factor where it is on, were given a short while ago (ASVS V7.5.1)."""
        return now - self.proved_at < PROOF_LASTS


OTHER_MEMBERSHIPS = (
    select(func.count())
    .where(Membership.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
    .label("memberships_count")
)
FIND_SESSION: Select[*tuple[Any, ...]] = (
    select(
        UserSession.id.label("session_id"),
        UserSession.token_hash,
        UserSession.last_seen_at,
        UserSession.second_factor_at,
        UserSession.proved_at,
        User.id.label("user_id"),
        User.email,
        User.name,
        User.staff_role,
        Organization.id.label("organization_id"),
        Organization.name.label("organization_name"),
        Membership.role,
        OTHER_MEMBERSHIPS,
        Organization.payment_trouble,
        *flag_columns(Organization.id),
    )
    .join(User, User.id == UserSession.user_id)
    .outerjoin(
        Membership,
        and_(Membership.user_id == User.id, Membership.organization_id == UserSession.organization_id),
    )
    .outerjoin(Organization, Organization.id == Membership.organization_id)
    .where(
        UserSession.token_hash == bindparam("hash"),
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > bindparam("now", type_=UTCDateTime),
        UserSession.last_seen_at
        > case(
            (User.staff_role.is_not(None), bindparam("staff_since", type_=UTCDateTime)),
            else_=bindparam("customer_since", type_=UTCDateTime),
        ),
        User.disabled_at.is_(None),
    )
)
"""Built once: this is asked on every request, and building it takes longer than asking."""


def start_session(user: User, origin: Origin, *, with_second_factor: bool = False) -> str:
    """A new session for `user`, in the organization they were in last; returns the token for the cookie."""
    token = new_secret()
    now = utcnow()
    db.session.add(
        UserSession(
            token_hash=digest(token),
            user_id=user.id,
            organization_id=_first_organization(user.id),
            address=origin.address,
            agent=origin.agent,
            created_at=now,
            last_seen_at=now,
            second_factor_at=now if with_second_factor else None,
            proved_at=now,
            expires_at=now + (STAFF_LIFETIME if user.staff_role else CUSTOMER_LIFETIME),
        )
    )
    db.session.flush()
    return token


def find_session(token: str) -> SignedIn | None:
    """Who holds `token`, or None when it is unknown, ended, idle for too long, or its user is disabled."""
    now = utcnow()
    values = {
        "hash": digest(token),
        "now": now,
        "staff_since": now - STAFF_IDLE,
        "customer_since": now - CUSTOMER_IDLE,
    }
    rows = fetch_rows(FIND_SESSION, values)
    if not rows:
        return None
    *facts, percents, own = rows[0]
    found = SignedIn(*facts)
    return replace(found, closed_screens=closed_by(found.organization_id, percents, own))


def touch_session(token_hash: str) -> None:
    """Write when the session was last seen; part of the caller's transaction."""
    db.session.execute(_seen_now(token_hash))


def touch_session_aside(token_hash: str) -> None:
    """The same in a transaction of its own, for requests that only read; not worth waiting for, so it may fail."""
    try:
        with brief_transaction(db.engine) as connection:
            connection.execute(_seen_now(token_hash))
    except OperationalError:
        log.info("a session's last visit was not written: the database was busy")


def _seen_now(token_hash: str) -> Update:
    return update(UserSession).where(UserSession.token_hash == token_hash).values(last_seen_at=utcnow())


def end_session(token_hash: str) -> None:
    """Refuse this session from the next request on, in every process."""
    _revoke(UserSession.token_hash == token_hash)


def end_all_sessions(user_id: str) -> int:
    """Refuse every session of this person from the next request on; returns how many there were."""
    return _revoke(UserSession.user_id == user_id, _is_good())


def end_other_sessions(user_id: str, token_hash: str) -> int:
    """Refuse all sessions of this person but the one of `token_hash`; returns how many."""
    return _revoke(UserSession.user_id == user_id, UserSession.token_hash != token_hash, _is_good())


def end_one_session(user_id: str, session_id: str) -> str:
    """Refuse one session of this person; returns the agent it was started with. Raises `NotFoundError`."""
    mine = (UserSession.user_id == user_id, UserSession.id == session_id, _is_good())
    agent = db.session.execute(select(UserSession.agent).where(*mine)).one_or_none()
    if not _revoke(*mine) or agent is None:
        raise NotFoundError("This device is signed out already.")
    return agent.agent or ""


def sessions_of_user(user_id: str) -> Sequence[AnyRow]:
    """`id`, `agent`, `address`, `created_at`, `last_seen_at` of the sessions that are good now, last seen first."""
    statement = (
        select(
            UserSession.id,
            UserSession.agent,
            UserSession.address,
            UserSession.created_at,
            UserSession.last_seen_at,
        )
        .where(UserSession.user_id == user_id, _is_good())
        .order_by(UserSession.last_seen_at.desc(), UserSession.id)
    )
    return db.session.execute(statement).all()


def renew_session(token_hash: str, *, with_second_factor: bool) -> str:
    """A new token for a session whose person has just proved again who they are (ASVS V7.2.4); the old one is dead."""
    token, now = new_secret(), utcnow()
    values = {"token_hash": digest(token), "last_seen_at": now, "proved_at": now}
    if with_second_factor:
        values["second_factor_at"] = now
    db.session.execute(update(UserSession).where(UserSession.token_hash == token_hash).values(values))
    return token


def leave_organization_in_sessions(user_id: str, organization_id: str) -> None:
    """Sessions that looked at an organization the user is no longer in look at another of theirs, or at none."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.organization_id == organization_id)
        .values(organization_id=_first_organization(user_id))
    )


def switch_organization(token_hash: str, organization_id: str) -> None:
    """Look at another organization. The caller has checked the membership."""
    db.session.execute(
        update(UserSession)
        .where(UserSession.token_hash == token_hash)
        .values(organization_id=organization_id)
    )


def delete_ended_sessions(before: datetime) -> int:
    """Forget sessions that ended before `before`; returns how many."""
    over = or_(UserSession.expires_at < before, UserSession.revoked_at < before)
    return len(db.session.execute(delete(UserSession).where(over).returning(UserSession.id)).all())


def _first_organization(user_id: str) -> str | None:
    """The organization of the user's latest session if still a member there, else the first by name."""
    latest = (
        select(func.max(UserSession.created_at))
        .where(UserSession.user_id == user_id, UserSession.organization_id == Membership.organization_id)
        .correlate(Membership)
        .scalar_subquery()
    )
    mine = (
        select(Organization.id)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id)
        .order_by(latest.desc().nulls_last(), Organization.name, Organization.id)
        .limit(1)
    )
    return db.session.scalar(mine)


def _is_good() -> ColumnElement[bool]:
    """What `FIND_SESSION` asks of a session itself; whose idle time is shorter does not matter for ending it."""
    now = utcnow()
    return and_(
        UserSession.revoked_at.is_(None),
        UserSession.expires_at > now,
        UserSession.last_seen_at > now - CUSTOMER_IDLE,
    )


def _revoke(*conditions: ColumnElement[bool]) -> int:
    ended = (
        update(UserSession)
        .where(*conditions, UserSession.revoked_at.is_(None))
        .values(revoked_at=utcnow())
        .returning(UserSession.id)
    )
    return len(db.session.execute(ended).all())
