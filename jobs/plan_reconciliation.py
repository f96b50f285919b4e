"""Have the mirror compared with Stripe once a night."""

from jobs.work import Work
from portal.context import services
from portal.stripe_mirror.reconcile import plan_reconciliation as plan


def plan_reconciliation(_work: Work) -> int:
    """Returns how many were planned: none while one is under way, or where Stripe is not connected."""
    return int(services().stripe is not None and plan())
