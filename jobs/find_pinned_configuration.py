"""Look whether Stripe knows the portal configuration that the settings name, so that `/readyz` can say if not."""

from jobs.work import Work
from portal.context import services
from portal.stripe_portal.pinned import check_pinned_configuration


def find_pinned_configuration(_work: Work) -> int:
    """Returns 1 where it is missing: of the other mode, or of another account."""
    return int(services().stripe is not None and check_pinned_configuration())
