"""Staff see, quarter by quarter, what customers no longer write about since a screen does it."""

from flask import Response, request

from blueprints._downloads import download
from blueprints._guards import staff_only
from blueprints._htmx import page
from blueprints._limits import COSTLY, limiter
from blueprints.admin import admin
from blueprints.admin._asking import may_act
from portal.deflection.charts import ratio_chart
from portal.deflection.models import DeflectionReport
from portal.deflection.queries import get_report, stored_reports
from portal.deflection.table import report_csv
from portal.deflection.windows import parse_quarter
from portal.inbox.queries import latest_audits
from portal.kit.clock import utcnow
from portal.nudges.lift import lift
from portal.permissions import StaffRole


@admin.get("/deflection")
@staff_only(StaffRole.SUPPORT)
def deflection() -> Response:
    """The report of a quarter as it was last made, the latest one unless asked otherwise, and the last audits."""
    stored = stored_reports()
    asked = request.args.get("quarter") or (stored[0].quarter if stored else None)
    report = _report(asked) if asked else None
    return page(
        "admin/deflection.html",
        report=report,
        figures=report.figures if report else None,
        quarters=[row.quarter for row in stored],
        chart=ratio_chart(report.figures["reasons"]) if report else None,
        audits=latest_audits(),
        nudges=lift(utcnow()),
        may_act=may_act(),
    )


@admin.get("/deflection/report.csv")
@staff_only(StaffRole.SUPPORT)
@limiter.limit(COSTLY)
def deflection_csv() -> Response:
    """The table of a quarter."""
    report = _report(request.args.get("quarter", ""))
    return download(report_csv(report.figures), f"deflection-{report.quarter}.csv", "text/csv; charset=utf-8")


def _report(quarter: str) -> DeflectionReport:
    """Raises `InvalidInputError` for what is no quarter, `NotFoundError` where there is no report of it."""
    return get_report(str(parse_quarter(quarter)))
