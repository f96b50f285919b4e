"""The figures of one reason: tickets before and after its screen was opened, and who wrote nevertheless."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from portal.database import AnyRow
from portal.deflection.intervals import Comparisons, Counts, compare
from portal.deflection.queries import used_before, visits_of
from portal.deflection.windows import Span, Windows, holds, length
from portal.inbox.reasons import Reason
from portal.scope import Screen

Figures = dict[str, Any]
PER_ORGANIZATIONS, PER_DAYS = 1_000, 30
"""Rates are tickets of 1,000 active organizations in 30 days."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Opened:
    """A screen, and for each organization that it was opened to the windows compared."""

    screen: Screen
    windows: Mapping[str, Windows]

    @property
    def comparable(self) -> dict[str, Windows]:
        """Of organizations known both before and after."""
        return {key: windows for key, windows in self.windows.items() if windows.is_comparable}


@dataclass(frozen=True, slots=True)
class Prices:
    """What an agent's minute costs, in minor units of the currency; None where nobody said."""

    minute_cost_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one reason; `off` is how far each organization is from its ratio, in tickets."""

    figures: Figures
    off: Mapping[str, float]


def figures_of(
    reason: Reason, opened: Opened, tickets: Sequence[AnyRow], prices: Prices, noted_since: datetime | None
) -> Told:
    """What is told of one reason."""
    compared = opened.comparable
    before = Counter(row.organization_id for row in tickets if _is_in(row, compared, "before"))
    after = Counter(row.organization_id for row in tickets if _is_in(row, compared, "after"))
    since = [row for row in tickets if _is_in(row, opened.windows, "after")]
    found = compare(_counts(compared, before, after))
    is_enough = bool(found.is_enough)
    figures = {
        "reason": reason.key,
        "title": reason.title,
        "screen": opened.screen.name,
        "screen_label": opened.screen.label,
        "organizations_open": sum(bool(windows.after) for windows in opened.windows.values()),
        "organizations_compared": len(compared),
        "before": _side(before, [windows.before for windows in compared.values()]),
        "after": _side(after, [windows.after for windows in compared.values()]),
        "is_enough": is_enough,
        "why_not": "" if is_enough else _why_not(opened, before + after),
        "ratio": _number(found.ratio) if is_enough else None,
        "low": _number(found.low) if is_enough else None,
        "high": _number(found.high) if is_enough else None,
        "saved": _saved(found, _minutes(tickets, compared), prices) if is_enough else None,
        "tickets_since_open": len(since),
        **_nevertheless(opened.screen, since, noted_since),
    }
    return Told(figures, dict(zip(compared, found.off.tolist(), strict=True)))


def _is_in(row: AnyRow, windows: Mapping[str, Windows], side: str) -> bool:
    mine = windows.get(row.organization_id)
    return mine is not None and holds(getattr(mine, side), row.created_at)


def _counts(compared: Mapping[str, Windows], before: Counter[str], after: Counter[str]) -> Counts:
    def array(values: Sequence[float]) -> Any:
        return np.array(values, dtype=np.float64)

    return Counts(
        before=array([before[key] for key in compared]),
        after=array([after[key] for key in compared]),
        days_before=array([length(windows.before) / DAY for windows in compared.values()]),
        days_after=array([length(windows.after) / DAY for windows in compared.values()]),
    )


def _side(counts: Counter[str], spans: Sequence[Sequence[Span]]) -> Figures:
    tickets, days = counts.total(), sum(length(each) / DAY for each in spans)
    rate = round(tickets / days * PER_ORGANIZATIONS * PER_DAYS, 2) if days else None
    return {"tickets": tickets, "organization_days": round(days, 1), "per_1000": rate}


def _why_not(opened: Opened, written: Counter[str]) -> str:
    """What there is too little of, in words."""
    if not any(windows.after for windows in opened.windows.values()):
        return "not open to anybody in the time that tickets are known for"
    if not opened.comparable:
        return "open from the beginning: there is no time before it to compare with"
    tickets, writers = written.total(), len(+written)
    if not tickets:
        return "no tickets before or after"
    return (
        f"{tickets} {'ticket' if tickets == 1 else 'tickets'} of "
        f"{writers} {'organization' if writers == 1 else 'organizations'}"
    )


def _number(value: Any) -> float | None:
    """None for what has no bound."""
    return round(float(value), 4) if np.isfinite(value) else None


def _minutes(tickets: Sequence[AnyRow], compared: Mapping[str, Windows]) -> float | None:
    """What one ticket took in the mean, of those in either window whose time is known."""
    known = [
        row.agent_minutes
        for row in tickets
        if row.agent_minutes is not None
        and (_is_in(row, compared, "before") or _is_in(row, compared, "after"))
    ]
    return sum(known) / len(known) if known else None


def _saved(found: Comparisons, minutes: float | None, prices: Prices) -> Figures:
    """Tickets, minutes and money, each with its bounds, which hold what is not known of the tickets only."""
    bounds = {"": found.saved, "_low": found.saved_low, "_high": found.saved_high}
    saved: Figures = {"minutes_a_ticket": None if minutes is None else round(minutes, 1)}
    for end, value in bounds.items():
        tickets = float(value)
        spent = None if minutes is None else tickets * minutes
        cost = prices.minute_cost_minor
        saved[f"tickets{end}"] = round(tickets, 1)
        saved[f"minutes{end}"] = None if spent is None else round(spent)
        saved[f"cost_minor{end}"] = None if spent is None or cost is None else round(spent * cost)
    return saved


def _nevertheless(screen: Screen, since: Sequence[AnyRow], noted_since: datetime | None) -> Figures:
    """Of tickets written while the screen was open, by people known here and since visits are noted."""
    known = [row for row in since if row.user_id and noted_since and row.created_at >= noted_since]
    visits = visits_of(screen.name, {row.user_id for row in known})
    after_use = [row for row in known if used_before(visits.get(row.user_id, ()), row.created_at)]
    never = [
        row
        for row in known
        if not any(first <= row.created_at for first, _latest in visits.get(row.user_id, ()))
    ]
    return {
        "by_known_people": len(known),
        "after_use": {"tickets": len(after_use), "people": len({row.user_id for row in after_use})},
        "never_opened": {"tickets": len(never), "people": len({row.user_id for row in never})},
    }
