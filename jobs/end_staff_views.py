"""Write the end of views of customers whose time is over or whose session has ended."""

from jobs.work import Work
from portal.extensions import db
from portal.support.views import end_finished_views


def end_staff_views(_work: Work) -> int:
    """Returns how many were ended."""
    count = end_finished_views()
    db.session.commit()
    return count
