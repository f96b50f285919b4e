"""Believable usage for the demo: the product's metering table, filled with months of growing events."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, islice, pairwise

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    make_url,
    select,
)

BATCH = 2_000
DAYS_A_MONTH = 365.25 / 12
WEEKDAY_SHARE = (1.12, 1.22, 1.24, 1.2, 1.08, 0.58, 0.56)  # Monday first; the mean is 1
OUTAGE_AT, OUTAGE_SHARE = 0.42, 0.12  # when in the period, from 0 to 1, and what was left of that day
SPIKE_AT, SPIKE_SHARE = 0.96, 2.3  # late enough to be in the last 30 days of 14 months
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 11, 11, 10, 9, 10, 11, 11, 10, 8, 6, 5, 4, 4, 3, 2)

_metadata = MetaData()
usage_events = Table(
    "usage_events",
    _metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("organization_id", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Index("usage_events_by_time", "organization_id", "metric", "occurred_at"),
)


def write_usage(
    url: str,
    organization_id: str,
    *,
    until: datetime,
    monthly_start: int,
    growth: float,
    seed: int,
    months: int = 14,
    metric: str = "api_calls",
    cap: int | None = None,
) -> int:
    """Writes events for `months` UTC calendar months, the last being that of `until`; how many events.

    Makes the table if it is missing, and does nothing for an organization that has events. `until` is aware.
    The first month is about `monthly_start`; each is `growth` larger (0.06 is 6 %) until an ordinary month
    reaches `cap`. Weekends are low, one day has an outage, one a spike. Same `seed`, same events.
    """
    days = _days(until.astimezone(UTC).date(), months)
    totals = _daily_totals(days, monthly_start, growth, cap, _chance(seed, organization_id))
    engine = create_engine(make_url(url.replace("postgres://", "postgresql://", 1)))
    try:
        with engine.begin() as connection:
            _metadata.create_all(connection)
            if _has_events(connection, organization_id):
                return 0
            events = ((at, n) for at, n in _events(days, totals, seed) if at <= until and n)
            return _insert(connection, organization_id, metric, events)
    finally:
        engine.dispose()


def _has_events(connection: Connection, organization_id: str) -> bool:
    mine = select(usage_events.c.id).where(usage_events.c.organization_id == organization_id)
    return connection.execute(mine.limit(1)).first() is not None


def _insert(
    connection: Connection, organization_id: str, metric: str, events: Iterator[tuple[datetime, int]]
) -> int:
    rows = (
        {"organization_id": organization_id, "metric": metric, "occurred_at": at, "quantity": quantity}
        for at, quantity in events
    )
    written = 0
    while batch := list(islice(rows, BATCH)):
        connection.execute(insert(usage_events), batch)
        written += len(batch)
    return written


def _chance(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}:{name}")  # noqa: S311 - made to be repeatable, guards nothing


def _days(last: date, months: int) -> list[date]:
    year, month = divmod(last.year * 12 + last.month - months, 12)
    first = date(year, month + 1, 1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _daily_totals(
    days: list[date], monthly_start: int, growth: float, cap: int | None, chance: random.Random
) -> list[int]:
    outage, spike = (_weekday_at(days, place) for place in (OUTAGE_AT, SPIKE_AT))
    totals = []
    for number, day in enumerate(days):
        monthly = monthly_start * (1 + growth) ** (number / DAYS_A_MONTH)
        ordinary = min(monthly, cap or monthly) / DAYS_A_MONTH * WEEKDAY_SHARE[day.weekday()]
        special = {outage: OUTAGE_SHARE, spike: SPIKE_SHARE}.get(day, 1.0)
        totals.append(round(ordinary * special * chance.gauss(1, 0.07)))
    return totals


def _weekday_at(days: list[date], place: float) -> date:
    """The working day nearest after a place in the period, so that it stands out from its neighbours."""
    day = days[int(place * (len(days) - 1))]
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)


def _events(days: list[date], totals: list[int], seed: int) -> Iterator[tuple[datetime, int]]:
    """Times and quantities that add up to each day's total, most of them in working hours."""
    for day, total in zip(days, totals, strict=True):
        chance = _chance(seed, str(day))
        count = chance.randint(18, 40) if day.weekday() < 5 else chance.randint(10, 20)
        marks = [0, *accumulate(chance.lognormvariate(0, 0.6) for _ in range(count))]
        hours = sorted(chance.choices(range(24), HOUR_WEIGHTS, k=count))
        midnight = datetime.combine(day, time(), UTC)
        for hour, (start, end) in zip(hours, pairwise(marks), strict=True):
            moment = midnight + timedelta(hours=hour, seconds=chance.randrange(3600))
            share = round(total * end / marks[-1]) - round(total * start / marks[-1])
            yield moment, share
