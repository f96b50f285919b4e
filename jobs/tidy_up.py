"""Forget what nobody needs any more.

Finished windows of guess counters, sessions and slots that ended a month ago, devices whose cookie is gone.
"""

from datetime import timedelta

from jobs.work import Work
from portal.identity.devices import KNOWN_FOR, forget_devices
from portal.identity.sessions import delete_ended_sessions
from portal.identity.throttle import delete_finished_windows
from portal.jobs.slots import delete_old_slots
from portal.kit.clock import utcnow

KEEP_ENDED = timedelta(days=30)


def tidy_up(_work: Work) -> int:
    """Returns how many rows were forgotten."""
    before = utcnow() - KEEP_ENDED
    ended = delete_ended_sessions(before) + delete_old_slots(before)
    return delete_finished_windows() + ended + forget_devices(utcnow() - KNOWN_FOR)
