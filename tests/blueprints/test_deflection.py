"""Visits of screens are noted beside the answer; staff read the report of each quarter."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from portal.deflection.models import DeflectionReport, ScreenVisit
from portal.deflection.report import make_report, store_report
from portal.deflection.visits import NOTED_EVERY, Visit, forget_visits, note_visit
from portal.deflection.windows import Quarter
from portal.extensions import db
from portal.identity.models import Organization
from portal.inbox.models import TicketAudit
from tests.blueprints.things import REASON
from tests.blueprints.web import Browser
from tests.conftest import ENGINES
from tests.factories import World
from tests.portal.deflection.inbox import NOW, OPENED, audit, make_customers, roll_out, ticket

Browse = Callable[[str | None], Browser]
SUPPORT, LEAD = "support@portal.example", "lead@portal.example"
PAGE, FILE = "/admin/deflection", "/admin/deflection/report.csv"


def noted(app: Flask) -> list[tuple[str, str, str]]:
    """User, organization and screen of each visit."""
    with app.app_context():
        rows = db.session.execute(
            select(ScreenVisit.user_id, ScreenVisit.organization_id, ScreenVisit.screen)
        ).all()
        return sorted((row[0], row[1], row[2]) for row in rows)


def status(
    browser: Browser, method: str, path: str, data: dict[str, str] | None = None, **headers: str
) -> int:
    """What is answered, read to its end as servers do."""
    answer = browser.send(method, path, data, **headers)
    answer.close()
    return answer.status_code


@pytest.fixture
def report(app: Flask, world: World) -> None:
    """Of the third quarter: fewer invoices were asked for, more invitations; little is known of keys."""
    with app.app_context():
        customers = make_customers(12)
        read = audit(OPENED - timedelta(days=300), NOW, minute_cost_minor=50)
        for screen in ("invoices", "team", "api-keys"):
            roll_out(screen, (OPENED, 100))
        for name, before, after in (("invoice_download", 3, 1), ("team_invite", 0, 2), ("api_keys", 0, 0)):
            for customer in customers:
                for hours in range(before):
                    ticket(customer, OPENED - timedelta(hours=hours + 1), read, reason=name)
                for hours in range(after):
                    ticket(customer, OPENED + timedelta(hours=hours), read, reason=name)
        store_report(make_report(Quarter(2026, 3), NOW), NOW)
        db.session.commit()


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_page_shown_is_a_visit_and_so_is_a_change_made_there(
    app: Flask, world: World, browse: Browse
) -> None:
    owner, viewer = browse(world.acme.emails["owner"]), browse(world.acme.emails["viewer"])
    assert status(owner, "GET", "/account/team") == 200
    assert status(owner, "GET", "/account/team") == 200
    assert status(owner, "POST", "/account/profile", {"name": "Somebody Else"}) == 303
    assert status(viewer, "GET", "/account/billing") == 403
    assert status(viewer, "GET", "/account") in (302, 303)
    acme, user = world.acme.organization_id, world.acme.users["owner"]
    assert noted(app) == [(user, acme, "profile"), (user, acme, "team")]


def test_what_nobody_looks_at_is_no_visit(app: Flask, world: World, browse: Browse) -> None:
    owner, lead = browse(world.acme.emails["owner"]), browse(LEAD)
    assert status(owner, "GET", "/account/notifications/bell?seen=7", HX_Request="true") == 200
    assert status(owner, "GET", "/account/team", Sec_Purpose="prefetch") == 200
    view = f"/admin/organizations/{world.acme.organization_id}/view"
    assert status(lead, "POST", view, {"reason": REASON}) == 303
    assert status(lead, "GET", "/account/team") == 200
    assert noted(app) == []


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_day_is_one_row_with_its_first_and_latest_time(app: Flask, world: World) -> None:
    visit = Visit(world.acme.users["owner"], world.acme.organization_id, "billing")
    first = datetime(2026, 9, 1, 23, 30, tzinfo=UTC)
    with app.app_context():
        for minutes in (0, 5, 10, 25, 31):  # midnight is between the last two
            note_visit(db.engine, visit, first + timedelta(minutes=minutes))
        rows = db.session.scalars(select(ScreenVisit).order_by(ScreenVisit.day)).all()
        assert [(row.first_at, row.last_at) for row in rows] == [
            (first, first + timedelta(minutes=25)),
            (first + timedelta(minutes=31), first + timedelta(minutes=31)),
        ]
        assert forget_visits(first + timedelta(hours=12)) == 1


@pytest.mark.parametrize("engine_name", ENGINES)
def test_several_at_once_are_one_row(app: Flask, world: World) -> None:
    visit = Visit(world.acme.users["owner"], world.acme.organization_id, "billing")
    at = datetime(2026, 9, 1, 12, tzinfo=UTC)
    with app.app_context():
        engine = db.engine
    threads = [
        Thread(target=note_visit, args=(engine, visit, at + number * NOTED_EVERY)) for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(noted(app)) == 1


def test_a_visit_that_cannot_be_written_harms_no_page_and_the_next_one_is(
    app: Flask, world: World, browse: Browse
) -> None:
    owner = browse(world.acme.emails["owner"])
    with app.app_context(), db.engine.connect() as other, other.begin():  # SQLite has one writer
        assert status(owner, "GET", "/account/team") == 200
    assert noted(app) == []
    assert status(owner, "GET", "/account/team") == 200
    assert len(noted(app)) == 1


def test_report_says_what_is_known_and_what_is_not(report: None, browse: Browse) -> None:
    shown = browse(SUPPORT).send("GET", PAGE).text
    assert "Fewer" in shown
    assert "at least" in shown  # invitations: none before
    assert "no tickets before or after" in shown  # keys
    assert "open from the beginning" in shown  # signing in
    assert 'class="chart__svg"' in shown
    assert "1 means as many as before." in shown
    assert "€120.00" in shown  # 24 tickets of 10 minutes at 50 cents


def test_file_holds_the_same_rows(report: None, browse: Browse) -> None:
    support = browse(SUPPORT)
    sent = support.send("GET", f"{FILE}?quarter=2026Q3")
    assert sent.headers["Content-Disposition"].startswith('attachment; filename="deflection-2026Q3.csv"')
    assert "2026Q3,invoice_download," in sent.text
    assert support.send("GET", f"{FILE}?quarter=2026Q1").status_code == 404
    assert support.send("GET", f"{PAGE}?quarter=yesterday").status_code == 422


def test_without_a_report_the_page_says_how_one_comes_about(app: Flask, world: World, browse: Browse) -> None:
    assert "No report yet" in browse(SUPPORT).send("GET", PAGE).text


def test_only_staff_read_it(report: None, world: World, browse: Browse) -> None:
    owner = browse(world.acme.emails["owner"])
    assert [owner.send("GET", path).status_code for path in (PAGE, FILE)] == [404, 404]


def test_command_prints_the_same_figures_and_stores_nothing(app: Flask, world: World, report: None) -> None:
    runner, users = app.test_cli_runner(), world.acme.users
    with app.app_context():
        read = db.session.scalars(select(TicketAudit.id)).one()
        customer = db.session.scalars(select(Organization.id).where(Organization.name == "Customer 0")).one()
        at, visit = OPENED + timedelta(days=9), {"user_id": users["owner"], "organization_id": customer}
        times = {"day": at.date(), "first_at": at, "last_at": at}
        db.session.add(ScreenVisit(screen="team", **visit, **times))
        for role in ("owner", "viewer", "viewer"):
            ticket(customer, at + timedelta(hours=1), read, user_id=users[role], reason="team_invite")
        db.session.commit()
    said = runner.invoke(args=["deflection", "report", "--quarter", "2026Q3"])
    assert said.exit_code == 0, said.output
    assert "0.33 (" in said.output
    assert "too few to say: no tickets before or after" in said.output
    assert "\n  written nevertheless: 1 within 48 h of use, 2 by people who never opened it\n" in said.output
    assert said.output.count("written nevertheless") == 1, "nothing is said where nobody is known"
    assert re.search(
        r"\nSaved together: \S+ tickets, \S+ minutes, -?€\S+ \(-?€\S+ to -?€\S+\)\.\n", said.output
    )
    assert (
        '"quarter": "2026Q3"'
        in runner.invoke(args=["deflection", "report", "--quarter", "2026Q3", "--json"]).output
    )
    assert runner.invoke(args=["deflection", "report", "--quarter", "2026Q3", "--csv"]).output.startswith(
        "quarter,"
    )
    wrong = runner.invoke(args=["deflection", "report", "--quarter", "soon"])
    assert (wrong.exit_code, "A quarter is written like 2026Q3." in wrong.output) == (2, True)
    assert runner.invoke(args=["deflection", "report", "--quarter", "2999Q1"]).exit_code == 1
    with app.app_context():
        assert len(db.session.scalars(select(DeflectionReport)).all()) == 1
