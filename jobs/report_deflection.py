"""Make the report of each quarter, and make it again when tickets, tags or flags behind it have changed."""

from jobs.work import Work
from portal.deflection.report import due_quarters, make_report, reading, store_report
from portal.extensions import db
from portal.kit.clock import utcnow


def report_deflection(work: Work) -> int:
    """One quarter after the other; returns how many. Made twice at once, a report is the same."""
    made = 0
    with reading():
        quarters = due_quarters(utcnow())
    for quarter in quarters:
        if not work.should_go_on():
            break
        now = utcnow()
        with reading():
            figures = make_report(quarter, now)
        store_report(figures, now)
        db.session.commit()
        made += 1
    return made
