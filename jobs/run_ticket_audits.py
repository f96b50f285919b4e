"""Audit the ticket exports that staff uploaded."""

from jobs.work import Work
from portal.inbox.running import claim_audit, run_audit


def run_ticket_audits(work: Work) -> int:
    """Work until nothing is due; returns how many audits were ended. One that a worker leaves is begun anew."""
    ended = 0
    while work.should_go_on() and (found := claim_audit(work.worker)) is not None:
        ended += run_audit(found, work.worker, work.should_go_on)
    return ended
