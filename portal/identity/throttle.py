"""Limits on guessing, counted in the database so that every process sees them (ASVS V6.3.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.engine import Connection
from sqlalchemy.sql import case

from portal.errors import TooManyAttemptsError
from portal.extensions import db, insert_into
from portal.identity.models import AttemptCounter
from portal.kit.clock import utcnow
from portal.kit.tokens import digest


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` tries in `window` for one value of `name`."""

    name: str
    count: int
    window: timedelta


SIGN_IN_BY_ACCOUNT_AND_ADDRESS = Limit("sign-in:account", 8, timedelta(minutes=5))
SIGN_IN_BY_ADDRESS = Limit("sign-in:address", 60, timedelta(minutes=5))
SECOND_FACTOR_BY_ACCOUNT_AND_ADDRESS = Limit("second-factor:account-address", 8, timedelta(minutes=5))
SECOND_FACTOR_BY_ACCOUNT = Limit("second-factor:account", 40, timedelta(hours=1))
PROOF_BY_ACCOUNT = Limit("proof:account", 10, timedelta(minutes=5))
INVITATION_BY_ADDRESS = Limit("invitation:address", 30, timedelta(minutes=5))


def count_attempt(limit: Limit, value: str) -> None:
    """Count one try. Raises `TooManyAttemptsError` beyond the limit.

    Commits in a transaction of its own: a refused request rolls back, its count must not. Call it before the
    request's own transaction has begun (SQLite has one writer).
    """
    with db.engine.begin() as connection:
        count, ends_at = _increment(connection, limit, value)
    if count > limit.count:
        wait = max(1, int((ends_at - utcnow()).total_seconds()))
        raise TooManyAttemptsError(
            f"Too many tries. Wait {_minutes(wait)} and try again.", retry_after_seconds=wait
        )


def forget_attempts(limit: Limit, value: str) -> None:
    """Start from zero, after the right answer. Part of the caller's transaction."""
    db.session.execute(delete(AttemptCounter).where(AttemptCounter.key == _key(limit, value)))


def delete_finished_windows() -> int:
    """Forget counters whose window is over; returns how many. Part of the caller's transaction."""
    finished = (
        delete(AttemptCounter).where(AttemptCounter.window_ends_at < utcnow()).returning(AttemptCounter.key)
    )
    return len(db.session.execute(finished).all())


def _increment(connection: Connection, limit: Limit, value: str) -> tuple[int, datetime]:
    now = utcnow()
    is_over = AttemptCounter.window_ends_at <= now
    statement = insert_into(AttemptCounter).values(
        key=_key(limit, value), count=1, window_ends_at=now + limit.window
    )
    row = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[AttemptCounter.key],
            set_={
                "count": case((is_over, 1), else_=AttemptCounter.count + 1),
                "window_ends_at": case((is_over, now + limit.window), else_=AttemptCounter.window_ends_at),
            },
        ).returning(AttemptCounter.count, AttemptCounter.window_ends_at)
    ).one()
    count, window_ends_at = row
    return count, window_ends_at


def _key(limit: Limit, value: str) -> str:
    return digest(f"{limit.name}:{value}")


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
