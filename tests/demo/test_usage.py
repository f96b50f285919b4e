from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import mean, median

import pytest
from sqlalchemy import create_engine, text

from demo.usage import write_usage
from portal.metering.queries import daily_usage, monthly_usage
from portal.metering.source import MeteringSource


def usage_total(
    source: MeteringSource, organization: str, first: date, last: date, metric: str = "api_calls"
) -> int:
    return sum(row.quantity for row in daily_usage(source, organization, first, last, metric=metric))


UNTIL = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PERIOD = (date(2025, 10, 1), UNTIL.date())


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'metering.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


def write(url: str, organization_id: str = "org_a", *, seed: int = 4, cap: int | None = None) -> int:
    return write_usage(
        url, organization_id, until=UNTIL, monthly_start=40_000, growth=0.07, seed=seed, cap=cap
    )


def days(url: str, organization_id: str = "org_a") -> dict[date, int]:
    source = MeteringSource(url)
    rows = daily_usage(source, organization_id, *PERIOD)
    source.close()
    return {row.day: row.quantity for row in rows}


def test_fourteen_months_grow(url: str) -> None:
    written = write(url)
    source = MeteringSource(url)
    months = [row.quantity for row in monthly_usage(source, "org_a", today=UNTIL.date(), months=14)]
    assert 8_000 < written < 13_000
    assert months[0] == pytest.approx(40_000, rel=0.15)
    assert months[-2] / months[0] == pytest.approx(1.07**12, rel=0.15)
    assert usage_total(source, "org_a", date(2000, 1, 1), UNTIL.date()) == sum(months)
    source.close()


def test_weekends_are_low_and_two_days_stand_out(url: str) -> None:
    write(url)
    by_day = days(url)
    complete = {day: quantity for day, quantity in by_day.items() if day != UNTIL.date()}
    weekend = mean(quantity for day, quantity in complete.items() if day.weekday() >= 5)
    working = mean(quantity for day, quantity in complete.items() if day.weekday() < 5)
    assert weekend < working * 0.65
    ratios = {
        day: quantity / median(complete[near] for near in complete if abs((near - day).days) <= 14)
        for day, quantity in complete.items()
    }
    assert [day for day, ratio in ratios.items() if ratio < 0.3] == [min(ratios, key=ratios.__getitem__)]
    spikes = [day for day, ratio in ratios.items() if ratio > 1.9]
    assert len(spikes) == 1
    assert (UNTIL.date() - spikes[0]).days < 30


def test_there_are_ten_to_forty_events_a_day_and_none_in_the_future(url: str) -> None:
    write(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT CAST(occurred_at AS TEXT), quantity FROM usage_events")).all()
    engine.dispose()
    counts = Counter(moment[:10] for moment, _ in rows if moment[:10] != UNTIL.date().isoformat())
    assert all(5 <= count <= 40 for count in counts.values())
    assert median(counts.values()) > 15
    assert max(moment for moment, _ in rows)[:16] <= "2026-11-23 09:30"
    assert all(quantity > 0 for _, quantity in rows)


def test_a_second_seed_run_changes_nothing(url: str) -> None:
    assert write(url) > 0
    before = days(url)
    assert write(url) == 0
    assert write(url, seed=5) == 0
    assert days(url) == before


def test_the_same_seed_gives_the_same_events_and_another_gives_others(tmp_path: Path) -> None:
    addresses = [f"sqlite:///{tmp_path / name}" for name in ("a", "b", "c")]
    for address, seed in zip(addresses, (4, 4, 5), strict=True):
        write(address, seed=seed)
    first, same, other = (days(address) for address in addresses)
    assert first == same != other


def test_growth_stops_at_the_cap(url: str) -> None:
    write(url, cap=50_000)
    source = MeteringSource(url)
    months = monthly_usage(source, "org_a", today=UNTIL.date(), months=14)
    source.close()
    assert max(month.quantity for month in months) < 50_000 * 1.15


def test_organizations_are_written_side_by_side(url: str) -> None:
    write(url, "org_a")
    assert write(url, "org_b") > 0
    assert days(url, "org_a") != days(url, "org_b")
