"""Forget what nobody needs any more.

Finished windows of guess counters, sessions and slots that ended a month ago, devices whose cookie is gone,
visits that no report is made from any more.
"""

from datetime import timedelta

from jobs.work import Work
from portal.deflection.visits import KEPT_FOR, forget_visits
from portal.identity.devices import KNOWN_FOR, forget_devices
from portal.identity.sessions import delete_ended_sessions
from portal.identity.throttle import delete_finished_windows
from portal.jobs.slots import delete_old_slots
from portal.kit.clock import utcnow

KEEP_ENDED = timedelta(days=30)


def tidy_up(_work: Work) -> int:
    """Returns how many rows were forgotten."""
    now = utcnow()
    ended = delete_ended_sessions(now - KEEP_ENDED) + delete_old_slots(now - KEEP_ENDED)
    forgotten = forget_devices(now - KNOWN_FOR) + forget_visits(now - KEPT_FOR)
    return delete_finished_windows() + ended + forgotten
