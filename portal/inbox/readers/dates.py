"""Dates and times as spreadsheets hold them."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from itertools import pairwise
from typing import Literal

from babel import Locale

from portal.inbox.readers.values import EARLIEST, LATEST, from_epoch

Order = Literal["dmy", "mdy"]

MONTH_LOCALES = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "tr",
    "sv",
    "da",
    "nb",
    "fi",
    "cs",
    "hu",
    "ru",
    "uk",
    "ro",
]
EXCEL_BEGINS = datetime(1899, 12, 30, tzinfo=UTC)
EXCEL_SERIALS = range(35_000, 74_000)
"""Days that a spreadsheet counts from the end of 1899: the years 1995 to 2102."""

_DATE = re.compile(r"(\d{1,4})\s?[./\-年]\s?(\d{1,2})\s?[./\-月]\s?(\d{1,4})(?:日|\b)")
_TIME = re.compile(
    r"(?<![\d.])(\d{1,2})\s?[:時时h.]\s?(\d{2})(?:分)?(?:[:.](\d{2})(?:[.,]\d+)?)?(?!\d)", re.IGNORECASE
)
_HALF = re.compile(r"\b([ap])\.?\s?m\b|(午前|上午|öö)|(午後|下午|ös)", re.IGNORECASE)
_ZONE = re.compile(r"(?:GMT|UTC)?\s?([+-])(0\d|1[0-4]):?([0-5]\d)\b|\b(UTC|GMT|Z)\b|(?<=\d)(Z)\b")
_NAMED_ZONES = {
    "CET": 60,
    "MEZ": 60,
    "CEST": 120,
    "MESZ": 120,
    "BST": 60,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "PST": -480,
    "PDT": -420,
}
_JOINED = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBERS = re.compile(r"\d+")


@cache
def _months() -> dict[str, int]:
    names: dict[str, int] = {}
    for code in MONTH_LOCALES:
        months = Locale.parse(code).months
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[form][width].items():
                    names.setdefault(name.casefold().rstrip("."), int(number))
    names.update({"mrz": 3, "sept": 9, "mär": 3, "mar": 3, "maerz": 3})
    return names


def triple(text: str) -> tuple[int, int, int] | None:
    """The three numbers of a date in figures, as they stand."""
    match = _DATE.search(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def find_order(values: Sequence[str], is_english: bool = False) -> tuple[Order, str]:
    """Whether the day or the month comes first in the dates of a file, and how that was found.

    A number over 12 settles it; else the order in which more dates follow on each other, as rows mostly do; else the
    sign between (a point has the day first everywhere), AM and PM, and the language of the header.
    """
    found = [each for each in map(triple, values) if each and each[0] <= 31]
    days_first, months_first = sum(a > 12 for a, _, _ in found), sum(b > 12 for _, b, _ in found)
    if days_first != months_first:
        return (
            ("dmy", "a number over 12 comes first")
            if days_first > months_first
            else ("mdy", "a number over 12 comes second")
        )
    as_days, as_months = _descents((c, b, a) for a, b, c in found), _descents((c, a, b) for a, b, c in found)
    if as_days != as_months:
        return ("dmy" if as_days < as_months else "mdy"), "dates follow on each other that way"
    if not found:
        return "dmy", "no date has the year last"
    has_points = any(re.match(r"\d+\.", each) for each in values)
    is_american = not has_points and (any(_HALF.search(each) for each in values) or is_english)
    return (
        ("mdy", "assumed") if is_american else ("dmy", "a point stands between" if has_points else "assumed")
    )


def _descents(dates: Iterable[tuple[int, int, int]]) -> int:
    rows = list(dates)
    steps = list(pairwise(rows))
    return min(sum(a > b for a, b in steps), sum(a < b for a, b in steps))


def parse_time(text: str, order: Order, zone: tzinfo) -> datetime | None:
    """The time in UTC; without a zone of its own it is of `zone`. None for what is no date or no date that can be."""
    text = text.strip()
    if not text:
        return None
    found = _iso(text) or _parsed(text, order)
    if found is None:
        return None
    try:
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return None
    return found if EARLIEST <= found <= LATEST else None


def _iso(text: str) -> datetime | None:
    try:
        return None if text.isdigit() else datetime.fromisoformat(text)
    except ValueError:
        return None


def _parsed(text: str, order: Order) -> datetime | None:
    plain = text.replace(",", ".", 1) if re.fullmatch(r"\d+,\d+", text) else text
    if match := _JOINED.fullmatch(text):
        return datetime(int(match[1]), int(match[2]), int(match[3]))  # noqa: DTZ001
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return _from_number(float(plain))
    day = _day(text, order)
    if day is None:
        return None
    year, month, date, rest = day
    hour, minute, second = _clock(rest)
    try:
        return datetime(
            year + 2000 if year < 100 else year, month, date, hour, minute, second, tzinfo=_zone(rest)
        )
    except ValueError:
        return None


def _from_number(number: float) -> datetime | None:
    if int(number) in EXCEL_SERIALS:
        return EXCEL_BEGINS.replace(tzinfo=None) + timedelta(seconds=round(number * 86_400))
    return from_epoch(number) if number > 1e8 else None


def _day(text: str, order: Order) -> tuple[int, int, int, str] | None:
    """Year, month, day and what is left of the text."""
    if match := _DATE.search(text):
        a, b, c = int(match[1]), int(match[2]), int(match[3])
        rest = text[: match.start()] + " " + text[match.end() :]
        if len(match[1]) > 2:
            return a, b, c, rest
        return (c, b, a, rest) if order == "dmy" else (c, a, b, rest)
    words = [(word, _months().get(word[0].casefold())) for word in _WORD.finditer(text)]
    named = next(((word, month) for word, month in words if month), None)
    if named is None:
        return None
    time = _TIME.search(text)
    without = text if time is None else text[: time.start()] + " " * len(time[0]) + text[time.end() :]
    numbers = [each[0] for each in _NUMBERS.finditer(_ZONE.sub(" ", without))]
    years, days = [each for each in numbers if len(each) == 4], [each for each in numbers if len(each) <= 2]
    if not days or (not years and len(days) < 2):
        return None
    year = years[0] if years else days[1]
    rest = text[named[0].end() :] if time is None else text[time.start() :]
    return int(year), named[1] or 0, int(days[0]), rest


def _clock(text: str) -> tuple[int, int, int]:
    match = _TIME.search(text)
    if match is None:
        return 0, 0, 0
    hour = int(match[1])
    if half := _HALF.search(text):
        is_late = bool(half[3]) or (half[1] or "").lower() == "p"
        hour = hour % 12 + 12 * is_late
    return hour, int(match[2]), int(match[3] or 0)


def _zone(text: str) -> tzinfo | None:
    if match := _ZONE.search(text):
        if match[1] is None:
            return UTC
        minutes = int(match[2]) * 60 + int(match[3])
        return (
            timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes < 1440 else None
        )
    offset = next((_NAMED_ZONES[word] for word in _WORD.findall(text) if word in _NAMED_ZONES), None)
    return None if offset is None else timezone(timedelta(minutes=offset))
