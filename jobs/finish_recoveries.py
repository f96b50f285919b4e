"""Take the second factor off accounts whose recovery was approved and has waited its day."""

from jobs.work import Work
from portal.support.recoveries import finish_due_recovery


def finish_recoveries(work: Work) -> int:
    """Work until none is due; returns how many were finished."""
    finished = 0
    while work.should_go_on() and finish_due_recovery():
        finished += 1
    return finished
