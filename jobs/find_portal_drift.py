"""Look whether somebody changed at Stripe what its pages offer to customers, and tell staff."""

from jobs.work import Work
from portal.context import services
from portal.stripe_portal.drift import check_drift, configured_classes
from portal.stripe_portal.file import read_portal_file


def find_portal_drift(work: Work) -> int:
    """One class of customer after the other; returns how many differ from the portal file."""
    if services().stripe is None:
        return 0
    file = read_portal_file()
    count = 0
    for customer_class in configured_classes(file):
        if not work.should_go_on():
            break
        count += bool(check_drift(file, customer_class).differences)
    return count
