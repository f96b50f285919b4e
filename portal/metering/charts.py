"""Usage drawn as inline SVG by Altair: one series in the accent, everything else in the colour of the text.

The words are chosen here; `drawing.py` draws, and is imported with the first chart. The last drawings are
kept, so the same figures are drawn once.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby

from babel.dates import format_date, format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from markupsafe import Markup

from portal.metering.figures import Band, Bar, Figure
from portal.metering.queries import DailyUsage, MonthlyUsage

DRAWINGS_KEPT = 128
MOST_AXIS_LABELS = 31
WIDE_BAND = 1 / 8  # of the width: what a band's long name needs
ACCENT = "var(--accent)"


def daily_chart(
    rows: Sequence[DailyUsage],
    *,
    unit: str,
    accent: str = ACCENT,
    last_is_open: bool = False,
    locale: str = "en_US",
) -> Markup:
    """One bar a day, months as bands, the highest and the last day labelled: an `<svg>` to put into a page.

    `rows` are consecutive days, at least one; `unit` is the plural noun shown ("API calls"); `accent` is a
    CSS colour or `var(--name)`. `last_is_open` draws the last day paler, as one that is not over yet.
    """
    every = -(-len(rows) // MOST_AXIS_LABELS)
    labelled = _labelled([row.quantity for row in rows])
    bars = tuple(
        Bar(
            name=format_skeleton("yMMMEd", row.day, locale=locale),
            quantity=row.quantity,
            tick=str(row.day.day) if number % every == 0 else "",
            label=_compact(row.quantity, locale) if number in labelled else "",
            is_open=last_is_open and number == len(rows) - 1,
        )
        for number, row in enumerate(rows)
    )
    days = [row.day for row in rows]
    bands = _bands(days, lambda day: (day.year, day.month), "yMMMM", "MMM", locale)
    period = f"{format_date(days[0], 'medium', locale)} to {format_date(days[-1], 'medium', locale)}"
    return _draw(Figure(bars, bands, f"{unit} a day, {period}", _words(bars, locale), accent))


def monthly_chart(
    rows: Sequence[MonthlyUsage],
    *,
    unit: str,
    accent: str = ACCENT,
    last_is_open: bool = True,
    locale: str = "en_US",
) -> Markup:
    """One labelled bar a month, years as bands: an `<svg>` to put into a page. Otherwise as `daily_chart`."""
    bars = tuple(
        Bar(
            name=format_skeleton("yMMMM", row.month, locale=locale),
            quantity=row.quantity,
            tick=format_skeleton("MMM", row.month, locale=locale),
            label=_compact(row.quantity, locale),
            is_open=last_is_open and number == len(rows) - 1,
        )
        for number, row in enumerate(rows)
    )
    months = [row.month for row in rows]
    bands = _bands(months, lambda month: month.year, "y", "y", locale)
    title = f"{unit} a month, {bars[0].name} to {bars[-1].name}"
    return _draw(Figure(bars, bands, title, _words(bars, locale), accent))


def _compact(quantity: int, locale: str) -> str:
    return format_compact_decimal(quantity, locale=locale, fraction_digits=1)


def _labelled(quantities: list[int]) -> set[int]:
    """The last place, and the first highest one if its label cannot touch the last one's."""
    last = len(quantities) - 1
    highest = quantities.index(max(quantities))
    return {last, highest} if last - highest > 2 and quantities[highest] else {last}


def _bands(
    days: list[date], group: Callable[[date], object], long: str, short: str, locale: str
) -> tuple[Band, ...]:
    bands: list[Band] = []
    for _, same in groupby(days, group):
        members = list(same)
        start = bands[-1].end if bands else 0
        is_wide = len(members) / len(days) >= WIDE_BAND
        name = format_skeleton(long if is_wide else short, members[0], locale=locale)
        bands.append(Band(start, start + len(members), name))
    return tuple(bands)


def _words(bars: tuple[Bar, ...], locale: str) -> str:
    """What the picture says, for people who do not see it."""

    def number(quantity: int) -> str:
        return format_decimal(quantity, locale=locale)

    total, last = sum(bar.quantity for bar in bars), bars[-1]
    if not total:
        return "Nothing was used."
    highest = max(bars, key=lambda bar: bar.quantity)
    so_far = ", so far" if last.is_open else ""
    return (
        f"{number(total)} in total. "
        f"Highest: {number(highest.quantity)} ({highest.name}). "
        f"Last: {number(last.quantity)} ({last.name}{so_far})."
    )


@lru_cache(maxsize=DRAWINGS_KEPT)
def _draw(figure: Figure) -> Markup:
    from portal.metering import drawing

    return drawing.draw(figure)
