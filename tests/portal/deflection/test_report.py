"""Before and after are the same organizations and as many days; what is not known is not counted."""

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from jobs.report_deflection import report_deflection
from jobs.work import Work
from portal.billing.models import Subscription
from portal.deflection.charts import ratio_chart
from portal.deflection.models import DeflectionReport, ScreenVisit
from portal.deflection.report import due_quarters, make_report
from portal.deflection.table import report_csv
from portal.deflection.windows import Quarter, parse_quarter
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from tests.factories import World
from tests.portal.deflection.inbox import DAY, LONG_AGO, NOW, OPENED, audit, make_customers, roll_out, ticket

Q3 = Quarter(2026, 3)


def figures(reason: str = "invoice_download", quarter: Quarter = Q3, now: datetime = NOW) -> dict[str, Any]:
    return next(row for row in make_report(quarter, now)["reasons"] if row["reason"] == reason)


def write_each(customers: list[str], audit_id: str, at: datetime, times: int, **more: Any) -> None:
    for customer in customers:
        for number in range(times):
            ticket(customer, at + number * timedelta(hours=1), audit_id, **more)


@pytest.fixture
def customers(world: World) -> list[str]:
    """Ten of them, with invoices opened on the first day of the third quarter; Acme and Globex wrote nothing."""
    roll_out("invoices", (OPENED, 100))
    db.session.execute(update(Organization).values(created_at=LONG_AGO))
    return make_customers(10)


@pytest.fixture
def read(customers: list[str]) -> str:
    """An audit of the whole year."""
    return audit(LONG_AGO, NOW, minute_cost_minor=50)


def test_report_compares_as_many_days_before_the_opening_as_after_it(customers: list[str], read: str) -> None:
    write_each(customers, read, OPENED - 10 * DAY, 4)
    write_each(customers, read, OPENED + 10 * DAY, 1)
    write_each(customers, read, OPENED - 93 * DAY, 5)  # longer ago than the quarter is long
    write_each(customers, read, Q3.span[1] + DAY, 5)
    row = figures()
    assert (row["before"]["tickets"], row["after"]["tickets"]) == (40, 10)
    days = pytest.approx(12 * 92)
    assert (row["before"]["organization_days"], row["after"]["organization_days"]) == (days, days)
    assert row["before"]["per_1000"] == pytest.approx(40 / (12 * 92) * 30_000, abs=0.01)
    assert row["ratio"] == 0.25
    assert row["low"] < 0.25 < row["high"] < 1
    saved = row["saved"]
    assert (saved["tickets"], saved["minutes"], saved["cost_minor"]) == (30, 300, 15_000)
    assert 0 < saved["tickets_low"] < 30 < saved["tickets_high"]


def test_unclear_tickets_and_those_of_unknown_organizations_do_not_count(
    customers: list[str], read: str
) -> None:
    write_each(customers, read, OPENED - DAY, 1, is_unclear=True)
    write_each(customers, read, OPENED - DAY, 1, reason="refund")
    ticket(None, OPENED - DAY, read)
    assert figures()["before"]["tickets"] == 0
    assert figures()["why_not"] == "no tickets before or after"


def test_days_whose_tickets_nobody_has_read_are_no_days(customers: list[str]) -> None:
    """Two audits with a month between them; a weekend without mail is no gap."""
    first = audit(OPENED - 60 * DAY, OPENED - 50 * DAY)
    second = audit(OPENED - 20 * DAY, OPENED + 10 * DAY)
    third = audit(OPENED + 11.5 * DAY, OPENED + 40 * DAY)
    for number in (first, second, third):
        ticket(customers[0], OPENED - 400 * DAY, number)
    row = figures()
    assert row["after"]["organization_days"] == pytest.approx(12 * 40, rel=0.01)
    assert row["before"]["organization_days"] == pytest.approx(12 * (20 + 10), rel=0.01)


def test_an_organization_counts_from_its_first_day_until_its_last_subscription_ended(
    customers: list[str], read: str
) -> None:
    ticket(customers[0], OPENED, read)
    late, gone = (db.session.get_one(Organization, customers[number]) for number in (0, 1))
    late.created_at = OPENED - 5 * DAY
    for ended in (OPENED + 7 * DAY, OPENED + 2 * DAY):
        db.session.add(
            Subscription(
                stripe_id=f"sub_{ended.day}",
                organization_id=gone.id,
                status="canceled",
                plan_name="Pro",
                currency="eur",
                interval="month",
                interval_count=1,
                cancel_at_period_end=False,
                created_at=LONG_AGO,
                synced_at=ended,
            )
        )
    db.session.flush()
    row = figures()
    assert row["before"]["organization_days"] == 10 * 92 + 5 + 7
    assert row["after"]["organization_days"] == 11 * 92 + 7


def test_staggered_opening_gives_each_organization_its_own_days(world: World) -> None:
    customers, when = make_customers(60), OPENED + 31 * DAY
    roll_out("team", (when, 50), (OPENED + 61 * DAY, 100))
    read = audit(LONG_AGO, NOW)
    write_each(customers, read, OPENED + 40 * DAY, 1, reason="team_invite")
    row = figures("team_invite")
    half = row["after"]["tickets"]
    assert 15 < half < 45  # open to about half of them on that day
    assert row["before"]["tickets"] == 60 - half  # in the 31 days before the others got it
    assert row["after"]["organization_days"] == row["before"]["organization_days"]


def test_time_before_counts_only_while_the_screen_was_closed(customers: list[str], read: str) -> None:
    roll_out("api-keys", (OPENED - 30 * DAY, 100), (OPENED - 10 * DAY, 0), (OPENED, 100))
    write_each(customers, read, OPENED - 20 * DAY, 1, reason="api_keys")
    write_each(customers, read, OPENED - 5 * DAY, 1, reason="api_keys")
    assert figures("api_keys")["before"]["tickets"] == 10
    assert figures("api_keys")["before"]["organization_days"] == 12 * 10


def test_what_was_open_from_the_beginning_cannot_be_compared(customers: list[str], read: str) -> None:
    write_each(customers, read, OPENED, 3, reason="login_password")
    row = figures("login_password")
    assert (row["is_enough"], row["saved"], row["organizations_compared"]) == (False, None, 0)
    assert row["why_not"].startswith("open from the beginning")
    assert row["tickets_since_open"] == 30


def test_who_wrote_within_48_hours_of_use_and_who_never_opened_it(
    world: World, customers: list[str], read: str
) -> None:
    users = list(world.acme.users.values())
    at = OPENED + 20 * DAY
    used = {0: (47, 47), 1: (49, 49), 2: (60, 40), 3: (-1, -1)}  # hours before the ticket
    for number, (first, latest) in used.items():
        visit = {
            "user_id": users[number],
            "organization_id": world.acme.organization_id,
            "screen": "invoices",
        }
        first_at, last_at = at - timedelta(hours=first), at - timedelta(hours=latest)
        db.session.add(ScreenVisit(**visit, day=first_at.date(), first_at=first_at, last_at=last_at))
    for user in users:
        ticket(world.acme.organization_id, at, read, user_id=user)
        ticket(world.acme.organization_id, OPENED, read, user_id=user)  # before visits were noted
    row = figures()
    assert (row["tickets_since_open"], row["by_known_people"]) == (10, 5)
    assert row["after_use"] == {"tickets": 2, "people": 2}
    assert row["never_opened"] == {"tickets": 2, "people": 2}


def test_job_makes_what_is_missing_and_what_has_changed_and_nothing_else(
    customers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow()
    read = audit(now - 150 * DAY, now)
    ticket(customers[0], now - 100 * DAY, read)
    db.session.commit()
    made = report_deflection(Work("test"))
    assert made in (2, 3)
    assert report_deflection(Work("test")) == 0
    assert len(due_quarters(utcnow() + 25 * timedelta(hours=1))) == 1  # the running one, once a day
    audit(now, now)
    db.session.commit()
    report = db.session.scalars(db.select(DeflectionReport)).first()
    assert report is not None
    report.made_at -= DAY
    db.session.commit()
    assert report_deflection(Work("test")) == 1


def test_csv_holds_every_reason_and_money_with_its_digits(customers: list[str], read: str) -> None:
    write_each(customers, read, OPENED - 10 * DAY, 4)
    write_each(customers, read, OPENED + 10 * DAY, 1)
    rows = list(csv.DictReader(io.StringIO(b"".join(report_csv(make_report(Q3, NOW))).decode())))
    found = next(row for row in rows if row["reason"] == "invoice_download")
    assert (found["before_tickets"], found["rate_ratio"], found["screen"]) == ("40", "0.25", "invoices")
    assert (found["saved_cost"], found["currency"], found["before_per_1000"]) == ("150.00", "eur", "1086.96")
    assert len(rows) == len(make_report(Q3, NOW)["reasons"])


def test_the_chart_names_every_doubling_of_its_axis() -> None:
    def names(low: float, high: float | None) -> list[str]:
        row = {"is_enough": True, "title": "Invoices", "ratio": low, "low": low, "high": high}
        return re.findall(r"<text[^>]*>(same|\d+x|1/\d+)</text>", ratio_chart([row]))

    assert names(0.06, 0.5) == ["1/16", "1/8", "1/4", "1/2", "same", "2x"]
    assert names(0.001, None) == ["1/32", "1/16", "1/8", "1/4", "1/2", "same", "2x", "4x", "8x"]


@pytest.mark.parametrize("text", ["2026", "2026Q5", "Q3", "2026-Q3", "", "0026Q1", "9999Q4"])
def test_a_quarter_is_written_in_one_way(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_quarter(text)


def test_quarters_follow_each_other() -> None:
    assert [str(Q3.next()), str(Q3.next().next())] == ["2026Q4", "2027Q1"]
    assert Q3.span == (OPENED, datetime(2026, 10, 1, tzinfo=OPENED.tzinfo))
