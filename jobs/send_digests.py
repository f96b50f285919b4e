"""The daily mails, at their slot."""

from jobs.work import Work
from portal.extensions import db
from portal.notifications.digests import people_with_digest, send_digest


def send_digests(work: Work) -> int:
    """One person at a time; returns how many got one. Run again for the same slot, nobody gets a second."""
    until = work.slot()
    count = 0
    for user_id in people_with_digest(until):
        if not work.should_go_on():
            break
        count += send_digest(user_id, until)
        db.session.commit()
    return count
