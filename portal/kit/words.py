"""Dates and numbers as people read them. English for now; the locale is an argument."""

from datetime import UTC, date, datetime
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal

DEFAULT_LOCALE = "en_US"


def long_date(value: date | datetime | str, locale: str = DEFAULT_LOCALE) -> str:
    """`November 23, 2026`. Takes ISO text too."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return str(format_date(moment, "long", locale=locale))


def language_name(code: str, locale: str = DEFAULT_LOCALE) -> str:
    """`German` for `de`, `unknown` for `und`; a code that has no name as it is."""
    return "unknown" if code == "und" else str(Locale.parse(locale).languages.get(code, code))


def short_date(value: date | datetime, locale: str = DEFAULT_LOCALE) -> str:
    """`Nov 23, 2026`; of a time, its day in UTC."""
    return _medium(value.astimezone(UTC).date() if isinstance(value, datetime) else value, locale)


def exact_time(value: datetime | str, locale: str = DEFAULT_LOCALE) -> str:
    """`Nov 23, 2026, 07:52 UTC`. Takes ISO text too."""
    moment = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    return f"{_medium(moment.date(), locale)}, {moment:%H:%M} UTC"


@lru_cache(maxsize=4096)
def _medium(day: date, locale: str) -> str:
    """Kept, since a list shows the same few days again and again and Babel takes its time."""
    return str(format_date(day, "medium", locale=locale))


def ago(value: datetime, now: datetime, locale: str = DEFAULT_LOCALE) -> str:
    """`3 days ago`, `in 2 hours`; under a minute `just now`."""
    delta = value - now
    if abs(delta.total_seconds()) < 60:
        return "just now"
    return str(
        format_timedelta(delta, granularity="minute", threshold=1.2, add_direction=True, locale=locale)
    )


def number(value: int, locale: str = DEFAULT_LOCALE) -> str:
    """`1,234,567`."""
    return str(format_decimal(value, locale=locale))


def file_size(count: int, locale: str = DEFAULT_LOCALE) -> str:
    """`840 bytes`, `12 KB`, `1.4 MB`: a number of bytes in steps of a thousand."""
    if count < 1_000:
        return f"{number(count, locale)} bytes"
    if count < 999_500:
        return f"{number(round(count / 1_000), locale)} KB"
    return f"{format_decimal(count / 1_000_000, '#,##0.0', locale=locale)} MB"
