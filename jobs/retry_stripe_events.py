"""Handle Stripe's events, new ones and those whose time to try again has come."""

import logging

from jobs.work import Work
from portal.billing.stripe_events import claim_events, handle_event, mark_event_failed
from portal.errors import PortalError
from portal.extensions import db

BATCH = 5  # each may take two calls to Stripe; all of a batch must be done within the lease
log = logging.getLogger("portal.jobs")


def retry_stripe_events(work: Work) -> int:
    """Work until nothing is due; returns how many events were tried."""
    tried = 0
    while work.should_go_on() and (events := claim_events(work.worker, BATCH)):
        for event_id in [event.id for event in events]:
            if not work.should_go_on():
                break
            _handle(event_id, work.worker)
            tried += 1
    return tried


def _handle(event_id: str, worker: str) -> None:
    """One event; one that fails must not keep the others waiting, whatever its fault is."""
    try:
        handle_event(event_id, worker)
    except Exception as error:
        db.session.rollback()
        reason = error.message if isinstance(error, PortalError) else type(error).__name__
        log.warning("event failed", extra={"event": event_id, "reason": reason}, exc_info=error)
        mark_event_failed(event_id, worker, reason)
        db.session.commit()
