"""Handle Stripe's events, new ones and those whose time to try again has come."""

import logging
from collections.abc import Sequence

from jobs.work import Work
from portal.errors import PortalError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError, patience
from portal.stripe_mirror.events import claim_events, handle_events, mark_event_failed
from portal.stripe_mirror.readings import PartUnavailableError

log = logging.getLogger("portal.jobs")


def retry_stripe_events(work: Work) -> int:
    """Work until nothing is due, customer by customer; returns how many events were tried."""
    tried = 0
    while work.should_go_on() and (event_ids := claim_events(work.worker)):
        _handle(event_ids, work)
        tried += len(event_ids)
    return tried


def _handle(event_ids: Sequence[str], work: Work) -> None:
    """One that fails must keep no other waiting, whatever its fault is: what fails together is tried one by one."""
    try:
        with patience():
            handle_events(event_ids, work.worker, work.should_go_on)
    except Exception as error:
        db.session.rollback()
        if len(event_ids) > 1 and _may_be_one_alone(error):
            for event_id in event_ids:
                if work.should_go_on():
                    _handle([event_id], work)
            return
        reason = error.message if isinstance(error, PortalError) else type(error).__name__
        wait = (error.retry_after_seconds or 0) if isinstance(error, StripeUnavailableError) else 0
        for event_id in event_ids:
            log.warning("event failed", extra={"event": event_id, "reason": reason}, exc_info=error)
            mark_event_failed(event_id, work.worker, reason, wait)
        db.session.commit()


def _may_be_one_alone(error: Exception) -> bool:
    """Not where Stripe does not answer at all, or asks for patience: the others would only be told the same."""
    if not isinstance(error, StripeUnavailableError):
        return True
    return isinstance(error, PartUnavailableError) and error.retry_after_seconds is None
