"""The demo's year shows screens at work: less is written about most of them, and it says so where it cannot tell."""

from flask import Flask

from demo.deflection import REMAINS, write_deflection
from demo.story import ACME, GLOBEX
from portal.deflection.queries import stored_reports
from portal.deflection.report import make_report
from portal.deflection.windows import quarter_of
from portal.extensions import db
from portal.inbox.queries import TicketFilter, count_tickets
from portal.kit.clock import utcnow
from tests.factories import make_organization


def test_the_demo_shows_a_fall_and_says_where_it_cannot_tell(app: Flask) -> None:
    now = utcnow()
    with app.app_context():
        for name in (ACME, GLOBEX):
            make_organization(name)
        assert write_deflection(now) == 8
        reasons = {row["reason"]: row for row in make_report(quarter_of(now), now)["reasons"]}
        assert {row.quarter for row in stored_reports()} >= {str(quarter_of(now))}
        told = {key for key, row in reasons.items() if row["is_enough"]}
        assert told
        assert told <= REMAINS.keys() | {"ownership_transfer"}
        assert not reasons["login_password"]["is_enough"]
        unclear = count_tickets(TicketFilter())
        assert 6 <= unclear <= 30, "staff have something to look at"
        db.session.rollback()
