"""How much an organization used. Days and months are UTC; the database adds them up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
    table,
)
from sqlalchemy.types import NullType

from portal.metering.source import MeteringSource

DEFAULT_METRIC = "api_calls"

_events = table(
    "usage_events",
    column("organization_id", Text),
    column("metric", Text),
    column("quantity", BigInteger),
    column("occurred_at"),
).c

# Both engines store or print a time as "YYYY-MM-DD...", and both compare it with a plain date, so one
# statement serves text (SQLite) and timestamps (Postgres).
_time_as_text = cast(_events.occurred_at, Text)
_day = func.substr(_time_as_text, 1, 10)
_month = func.substr(_time_as_text, 1, 7)
_quantity = func.coalesce(func.sum(_events.quantity), 0)


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """The sum of one UTC day."""

    day: date
    quantity: int


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """The sum of one UTC calendar month, named by its first day."""

    month: date
    quantity: int


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One line of the export: a UTC day, a metric that was used on it, and how much."""

    day: date
    metric: str
    quantity: int


def daily_usage(
    source: MeteringSource, organization_id: str, first: date, last: date, *, metric: str = DEFAULT_METRIC
) -> list[DailyUsage]:
    """One row for each UTC day from `first` to `last`, both included; 0 where nothing was used.

    Raises MeteringUnavailable.
    """
    found = _sums(source, _day, organization_id, first, last, metric)
    return [DailyUsage(day, found.get(day.isoformat(), 0)) for day in _days(first, last)]


def monthly_usage(
    source: MeteringSource,
    organization_id: str,
    *,
    today: date,
    months: int = 12,
    metric: str = DEFAULT_METRIC,
) -> list[MonthlyUsage]:
    """One row for each of the last `months` UTC months, oldest first; the last is today's, up to now.

    Raises MeteringUnavailable.
    """
    starts = [_month_before(today, back) for back in reversed(range(months))]
    found = _sums(source, _month, organization_id, starts[0], today, metric)
    return [MonthlyUsage(start, found.get(start.strftime("%Y-%m"), 0)) for start in starts]


def export_rows(source: MeteringSource, organization_id: str, first: date, last: date) -> Iterator[ExportRow]:
    """Every metric's days with any usage from `first` to `last`, both included, by day and then by metric.

    Asks at once, so that a failure (MeteringUnavailable) comes before the first line of an answer.
    """
    question = (
        select(_day, _events.metric, _quantity)
        .where(*_within(organization_id, first, last))
        .group_by(_day, _events.metric)
        .order_by(_day, _events.metric)
    )
    rows = source.rows(question)
    return (ExportRow(date.fromisoformat(day), metric, int(quantity)) for day, metric, quantity in rows)


def _sums(
    source: MeteringSource,
    bucket: ColumnElement[str],
    organization_id: str,
    first: date,
    last: date,
    metric: str,
) -> dict[str, int]:
    within = _within(organization_id, first, last)
    question = select(bucket, _quantity).where(_events.metric == metric, *within).group_by(bucket)
    return {key: int(quantity) for key, quantity in source.rows(question)}


def _within(organization_id: str, first: date, last: date) -> list[ColumnElement[bool]]:
    """The organization's events from the first moment of `first` to the last moment of `last`."""
    return [
        _events.organization_id == organization_id,
        _events.occurred_at >= _moment(first),
        _events.occurred_at < _moment(last + timedelta(days=1)),
    ]


def _moment(day: date) -> BindParameter[Any]:
    # Without a type of its own, Postgres reads the value as whatever the product made the column.
    return bindparam(None, day.isoformat(), type_=NullType(), unique=True)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _month_before(day: date, back: int) -> date:
    """The first day of the month that is `back` months before the month of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
    return date(year, month + 1, 1)
