"""How much was used: 30 days, 12 months, and the same figures as a file."""

from datetime import date, timedelta
from typing import Any

from flask import Response, request

from blueprints._actor import current_actor
from blueprints._downloads import download
from blueprints._guards import requires
from blueprints._htmx import page
from blueprints._limits import COSTLY, limiter
from blueprints.usage import usage
from portal.context import current_settings, metering
from portal.errors import InvalidInputError, UnavailableError
from portal.kit.clock import utcnow
from portal.kit.csv import csv_lines
from portal.metering.charts import daily_chart, monthly_chart
from portal.metering.queries import daily_usage, export_rows, monthly_usage
from portal.permissions import Permission

DAYS = 30
MONTHS = 12
LONGEST_EXPORT = timedelta(days=800)


@usage.get("")
@requires(Permission.USAGE_READ)
def overview() -> Response:
    """The figure first, then the chart, then the table behind it."""
    by_month = request.args.get("period") == "12-months"
    try:
        context = months_context() if by_month else days_context()
    except UnavailableError:
        context = {"unavailable": True}
    return page("usage/overview.html", by_month=by_month, unit=current_settings().usage_unit, **context)


def days_context() -> dict[str, Any]:
    """The last 30 days, today included and still open."""
    settings, today = current_settings(), utcnow().date()
    organization = current_actor().organization
    first = today - timedelta(days=DAYS - 1)
    rows = daily_usage(metering(), organization, first, today, metric=settings.usage_metric)
    earlier = daily_usage(
        metering(),
        organization,
        first - timedelta(days=DAYS),
        first - timedelta(days=1),
        metric=settings.usage_metric,
    )
    return {
        "rows": [(row.day, row.quantity) for row in rows],
        "total": sum(row.quantity for row in rows),
        "earlier_total": sum(row.quantity for row in earlier),
        "chart": daily_chart(rows, unit=settings.usage_unit, last_is_open=True),
        "first": first,
        "last": today,
    }


def months_context() -> dict[str, Any]:
    """The last 12 calendar months, the present one up to now."""
    settings, today = current_settings(), utcnow().date()
    rows = monthly_usage(
        metering(), current_actor().organization, today=today, months=MONTHS, metric=settings.usage_metric
    )
    return {
        "rows": [(row.month, row.quantity) for row in rows],
        "total": sum(row.quantity for row in rows),
        "earlier_total": None,
        "chart": monthly_chart(rows, unit=settings.usage_unit),
        "first": rows[0].month,
        "last": today,
    }


@usage.get("/export.csv")
@requires(Permission.USAGE_READ)
@limiter.limit(COSTLY)
def export() -> Response:
    """Every day with its sum as CSV; `from` and `to` are days, both included. Twelve months unless told."""
    today = utcnow().date()
    first = day_argument("from", date(today.year - 1, today.month, 1))
    last = day_argument("to", today)
    if last < first or last > today or last - first > LONGEST_EXPORT:
        message = "Choose a first day before the last one, at most 800 days apart, and none after today."
        raise InvalidInputError(message, field="from")
    rows = export_rows(metering(), current_actor().organization, first, last)
    lines = csv_lines(["day", "metric", "quantity"], ((row.day, row.metric, row.quantity) for row in rows))
    return download(b"".join(lines), f"usage {first} to {last}.csv", "text/csv; charset=utf-8")


def day_argument(name: str, default: date) -> date:
    """A day from the address. Raises `InvalidInputError` naming it."""
    given = request.args.get(name)
    if not given:
        return default
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InvalidInputError(f"'{name}' must be a day such as 2026-03-31.", field=name) from None
