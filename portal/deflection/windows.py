"""Stretches of time, and the windows before and after a screen was opened to an organization."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from portal.errors import InvalidInputError
from portal.rollout.queries import Opening

Span: TypeAlias = tuple[datetime, datetime]
"""From one time until before another."""
SMALL_GAP = timedelta(days=2)
"""Between two audits: shorter than this nothing is taken to be missing, since nobody wrote at that hour."""
LEAST_WINDOW = timedelta(days=1)
QUARTER = re.compile(r"(\d{4})[Qq]([1-4])")


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the calendar, in UTC."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def span(self) -> Span:
        """From its first moment until before that of the next."""
        return self.start, self.next().start

    def next(self) -> "Quarter":
        """The one after it."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def start(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.number * 3 - 2, 1, tzinfo=UTC)


def quarter_of(moment: datetime) -> Quarter:
    """The quarter that a time is in."""
    day = moment.astimezone(UTC)
    return Quarter(day.year, (day.month + 2) // 3)


def parse_quarter(text: str) -> Quarter:
    """Such as `2026Q3`. Raises `InvalidInputError`."""
    match = QUARTER.fullmatch(text.strip())
    if match is None or not 2000 <= int(match[1]) < 9999:
        raise InvalidInputError("A quarter is written like 2026Q3.", field="quarter")
    return Quarter(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Windows:
    """The time compared: some before the opening, and what follows it in the quarter. `before` may be empty."""

    before: Sequence[Span]
    after: Sequence[Span]

    @property
    def is_comparable(self) -> bool:
        """Whether both are at least a day."""
        return min(length(self.before), length(self.after)) >= LEAST_WINDOW


def windows_of(openings: Iterable[Opening], quarter: Span, known: Sequence[Span]) -> Windows | None:
    """For one organization, out of the time in which it was active and tickets are known; None without an opening.

    The opening that counts is the latest before the quarter's end. The window before it is as long as the one after,
    as near to the opening as it can be, and within the time that the screen was closed.
    """
    started = [opening for opening in openings if opening.since < quarter[1]]
    if not started:
        return None
    latest = started[-1]
    after = within(known, max(latest.since, quarter[0]), min(latest.until or quarter[1], quarter[1]))
    closed_since = started[-2].until if len(started) > 1 else None
    closed = within(known, closed_since or datetime.min.replace(tzinfo=UTC), latest.since)
    return Windows(last(closed, length(after)), after)


def join(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps and small gaps, in order."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= SMALL_GAP:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start < end:
            joined.append((start, end))
    return joined


def within(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """What of the spans lies from `start` until before `end`."""
    cut = ((max(start, left), min(end, right)) for left, right in spans)
    return [(left, right) for left, right in cut if left < right]


def last(spans: Sequence[Span], wanted: timedelta) -> list[Span]:
    """The latest part of the spans, at most as long as `wanted`."""
    kept: list[Span] = []
    for start, end in reversed(spans):
        if wanted <= timedelta():
            break
        kept.append((max(start, end - wanted), end))
        wanted -= kept[-1][1] - kept[-1][0]
    return kept[::-1]


def length(spans: Iterable[Span]) -> timedelta:
    """All of them together."""
    return sum((end - start for start, end in spans), timedelta())


def holds(spans: Iterable[Span], moment: datetime) -> bool:
    """Whether the moment is in one of them."""
    return any(start <= moment < end for start, end in spans)
