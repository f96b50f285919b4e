"""Tell of invoices whose due day has passed, once each."""

from jobs.work import Work
from portal.extensions import db
from portal.invoices.overdue import announce_overdue


def find_overdue_invoices(work: Work) -> int:
    """Some at a time until there are none; returns how many were told of."""
    count = 0
    while work.should_go_on() and (found := announce_overdue(work.slot())):
        db.session.commit()
        count += found
    return count
