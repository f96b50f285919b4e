"""Forget what nobody needs any more: finished windows of guess counters, sessions ended a month ago."""

from datetime import timedelta

from jobs.work import Work
from portal.extensions import db
from portal.identity.sessions import delete_ended_sessions
from portal.identity.throttle import delete_finished_windows
from portal.kit.clock import utcnow

KEEP_ENDED_SESSIONS = timedelta(days=30)


def tidy_up(_work: Work) -> int:
    """Returns how many rows were forgotten."""
    count = delete_finished_windows() + delete_ended_sessions(utcnow() - KEEP_ENDED_SESSIONS)
    db.session.commit()
    return count
