"""Who used which screen on which day: noted beside the answer, never in its way."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, case, delete
from sqlalchemy.exc import IntegrityError, OperationalError

from portal.database import brief_transaction
from portal.deflection.models import ScreenVisit
from portal.extensions import INSERTS, db

log = logging.getLogger("portal.visits")
NOTED_EVERY = timedelta(minutes=10)
MOST_REMEMBERED = 50_000
KEPT_FOR = timedelta(days=3 * 366)
"""The oldest quarter that a report is made for, the window before it, and a good year's rest."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody uses a screen, in the organization they look at."""

    user_id: str
    organization_id: str
    screen: str


class Noted:
    """What this process has written lately, so that somebody at work costs a write in ten minutes, not one a page."""

    def __init__(self) -> None:
        self._last: WeakKeyDictionary[Engine, dict[Visit, datetime]] = WeakKeyDictionary()
        self._lock = Lock()

    def is_news(self, engine: Engine, visit: Visit, at: datetime) -> bool:
        """Whether it wants to be written; says so to one of several threads."""
        with self._lock:
            mine = self._last.setdefault(engine, {})
            last = mine.get(visit)
            if last is not None and last.date() == at.date() and at - last < NOTED_EVERY:
                return False
            if len(mine) >= MOST_REMEMBERED:
                mine.clear()
            mine[visit] = at
            return True

    def forget(self, engine: Engine, visit: Visit) -> None:
        """It was not written: the next one is tried again."""
        with self._lock:
            self._last.get(engine, {}).pop(visit, None)


NOTED = Noted()


def note_visit(engine: Engine, visit: Visit, at: datetime) -> None:
    """Write it in a transaction of its own, unless that was done lately; not worth waiting for, so it may fail."""
    if not NOTED.is_news(engine, visit, at):
        return
    statement = INSERTS[engine.dialect.name](ScreenVisit).values(
        user_id=visit.user_id,
        organization_id=visit.organization_id,
        screen=visit.screen,
        day=at.date(),
        first_at=at,
        last_at=at,
    )
    new = statement.excluded.last_at
    later = case((new > ScreenVisit.last_at, new), else_=ScreenVisit.last_at)
    keys = ["user_id", "organization_id", "screen", "day"]
    try:
        with brief_transaction(engine) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"last_at": later}))
    except (OperationalError, IntegrityError):
        NOTED.forget(engine, visit)
        log.info("a visit was not noted: the database was busy, or its person is gone")


def forget_visits(before: datetime) -> int:
    """Delete those of days before; returns how many (part of the caller's transaction)."""
    old = delete(ScreenVisit).where(ScreenVisit.day < before.date())
    return len(db.session.execute(old.returning(ScreenVisit.user_id)).all())
