"""The ranking: how often each reason comes, how long it takes, and what it costs."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from heapq import heappush, heapreplace
from statistics import median
from typing import Any

from portal.inbox.reasons import OTHER, UNCLEAR, UNCLEAR_TITLE, all_reasons
from portal.inbox.ticket import Ticket
from portal.inbox.verdicts import Verdict
from portal.kit.money import Money

TOP = 15
"""So many rows `audit.csv` has; `summary.json` has all."""
EXAMPLES = 3
LANGUAGES_SHOWN, LEAST_LANGUAGE_SHARE = 5, 0.005
SECONDS_AN_HOUR = 3_600
SHARE_DIGITS = 4


@dataclass(slots=True)
class _Count:
    """What is added up of one reason. The surest tickets are its examples."""

    tickets: int = 0
    unsolved: int = 0
    timed: int = 0
    minutes: Decimal = Decimal(0)
    first_reply: "array[float]" = field(default_factory=lambda: array("d"))
    resolution: "array[float]" = field(default_factory=lambda: array("d"))
    languages: Counter[str] = field(default_factory=Counter)
    surest: list[tuple[float, int, str]] = field(default_factory=list)

    def add(self, ticket: Ticket, confidence: float) -> None:
        self.tickets += 1
        self.unsolved += not ticket.is_solved
        self.languages[ticket.language] += 1
        if ticket.agent_minutes is not None:
            self.timed += 1
            self.minutes += Decimal(str(ticket.agent_minutes))
        _note_hours(self.first_reply, ticket.created_at, ticket.first_reply_at)
        _note_hours(self.resolution, ticket.created_at, ticket.solved_at)
        entry = (confidence, -self.tickets, ticket.id)
        if len(self.surest) < EXAMPLES:
            heappush(self.surest, entry)
        elif entry > self.surest[0]:
            heapreplace(self.surest, entry)


def _note_hours(into: "array[float]", start: datetime | None, end: datetime | None) -> None:
    if start and end and end >= start:
        into.append((end - start).total_seconds() / SECONDS_AN_HOUR)


class Ranking:
    """Adds tickets up as they come, and ranks at the end.

    Shares are of the tickets that are requests: everything but `other`. Tickets whose tag is unclear are a row of
    their own among the others.
    """

    def __init__(self, minute_cost: Money | None = None) -> None:
        self._minute_cost = minute_cost
        self._counts: dict[str, _Count] = {}

    def add(self, ticket: Ticket, verdict: Verdict) -> None:
        """One more ticket."""
        if verdict.counted_as != OTHER:
            self._counts.setdefault(verdict.counted_as, _Count()).add(ticket, verdict.confidence)

    @property
    def tickets(self) -> int:
        """How many tickets the shares are of."""
        return sum(count.tickets for count in self._counts.values())

    def rows(self) -> list[dict[str, Any]]:
        """Every reason that came, the commonest first; of equally common ones that with more minutes of work."""
        order = sorted(
            self._counts, key=lambda key: (-self._counts[key].tickets, -self._counts[key].minutes, key)
        )
        rows, total, so_far = [], self.tickets, 0
        for rank, key in enumerate(order, 1):
            count = self._counts[key]
            so_far += count.tickets
            rows.append(
                {"rank": rank, **_about(key)}
                | {"tickets": count.tickets, "share": _share(count.tickets, total)}
                | {"cumulative_share": _share(so_far, total)}
                | self._figures(count)
            )
        return rows

    def _figures(self, count: _Count) -> dict[str, Any]:
        minutes = plain(count.minutes) if count.timed else None
        return {
            "median_first_reply_hours": _median(count.first_reply),
            "median_resolution_hours": _median(count.resolution),
            "unsolved": count.unsolved,
            "agent_minutes": minutes,
            "cost_minor": self._cost(count.minutes) if count.timed else None,
            "languages": _languages(count.languages),
            "example_ids": [entry[2] for entry in sorted(count.surest, reverse=True)],
        }

    def _cost(self, minutes: Decimal) -> int | None:
        if self._minute_cost is None:
            return None
        return int((minutes * self._minute_cost.minor).to_integral_value(ROUND_HALF_UP))


def plain(minutes: Decimal) -> int | float:
    """Minutes with at most one decimal."""
    rounded = round(float(minutes), 1)
    return int(rounded) if rounded.is_integer() else rounded


def _about(key: str) -> dict[str, Any]:
    if key == UNCLEAR:
        return {"reason": UNCLEAR, "title": UNCLEAR_TITLE, "screen": "", "is_absorbable": None}
    reason = all_reasons()[key]
    about = {"reason": key, "title": reason.title, "screen": reason.screen}
    return {**about, "is_absorbable": reason.is_absorbable}


def _share(part: int, whole: int) -> float:
    return round(part / whole, SHARE_DIGITS) if whole else 0.0


def _median(hours: "array[float]") -> float | None:
    return round(median(hours), 2) if hours else None


def _languages(found: Counter[str]) -> dict[str, float]:
    """The commonest with their shares; the unknown language is `und` (ISO 639-2)."""
    total = found.total()
    shares = {code or "und": _share(count, total) for code, count in found.most_common(LANGUAGES_SHOWN)}
    return {code: share for code, share in shares.items() if share >= LEAST_LANGUAGE_SHARE}
