"""Compare the mirror with Stripe and put it right, where somebody has asked for it or the night has come."""

import logging

from jobs.work import Work
from portal.context import services
from portal.gateways.stripe_api import StripeUnavailableError, patience
from portal.stripe_mirror.reconcile import claim_reconciliation, put_off, reconcile_next

log = logging.getLogger("portal.jobs")


def reconcile_stripe(work: Work) -> int:
    """Customer after customer; returns how many were compared. A worker that ends leaves the rest to the next."""
    if services().stripe is None or (found := claim_reconciliation(work.worker)) is None:
        return 0
    compared = 0
    try:
        with patience():
            while work.should_go_on() and reconcile_next(found, work.worker, work.should_go_on):
                compared += 1
    except StripeUnavailableError as error:
        log.warning("reconciliation put off", extra={"reason": error.message})
        put_off(found, work.worker, error)
    return compared
