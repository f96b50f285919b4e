"""Dates and numbers as people read them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from portal.kit.clock import from_timestamp, utcnow
from portal.kit.words import ago, exact_time, long_date, number, short_date

NOW = datetime(2026, 11, 23, 7, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=0), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(hours=2), "in 2 hours"),
        (timedelta(days=-3), "3 days ago"),
        (timedelta(days=-40), "1 month ago"),
    ],
)
def test_how_long_ago(delta: timedelta, words: str) -> None:
    assert ago(NOW + delta, NOW) == words


def test_dates() -> None:
    assert long_date(NOW) == long_date("2026-11-23T07:52:00+00:00") == "November 23, 2026"
    assert short_date(date(2026, 11, 23)) == "Nov 23, 2026"


def test_an_exact_time_is_in_utc() -> None:
    assert exact_time(NOW.astimezone(timezone(timedelta(hours=9)))) == "Nov 23, 2026, 07:52 UTC"


def test_numbers_are_grouped() -> None:
    assert [number(value) for value in (0, 999, 1_234_567, -1_000)] == ["0", "999", "1,234,567", "-1,000"]


def test_every_time_is_aware() -> None:
    assert utcnow().utcoffset() == timedelta(0)
    assert from_timestamp(None) is None
    assert from_timestamp(0) == datetime(1970, 1, 1, tzinfo=UTC)
