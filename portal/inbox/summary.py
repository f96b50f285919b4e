"""The figures of an audit that stand above the ranking."""

from collections.abc import Iterable, Sequence
from typing import Any

from portal.inbox.languages import Languages
from portal.inbox.ranking import TOP, Ranking
from portal.inbox.reasons import UNCLEAR
from portal.kit.money import Money

FEW = 5
Row = dict[str, Any]


def figures(ranking: Ranking, languages: Languages, minute_cost: Money | None) -> dict[str, Any]:
    """Ranked rows, what screens could absorb, what stays with support, what is unclear, and languages.

    Money is in minor units of `currency`.
    """
    ranked, total = ranking.rows(), ranking.tickets
    screens = sorted({row["screen"] for row in ranked if row["is_absorbable"]})
    by_screen = [
        {"screen": screen, **add_up([row for row in ranked if row["screen"] == screen], total)}
        for screen in screens
    ]
    return {
        "requests": total,
        "ranked": ranked,
        "top5_share": _cumulative(ranked, FEW),
        "top15_share": _cumulative(ranked, TOP),
        "minute_cost_minor": minute_cost.minor if minute_cost else None,
        "currency": minute_cost.currency if minute_cost else None,
        "absorbable": add_up((row for row in ranked if row["is_absorbable"]), total),
        "screens": sorted(by_screen, key=lambda row: (-row["tickets"], row["screen"])),
        "support": add_up((row for row in ranked if row["is_absorbable"] is False), total),
        "unclear": add_up((row for row in ranked if row["reason"] == UNCLEAR), total),
        "languages": languages.rows(),
        "suggested_locales": languages.suggested(),
    }


def add_up(rows: Iterable[Row], total: int) -> Row:
    """Tickets, their share of `total`, minutes and cost of some rows together. None where nobody knows."""
    found = list(rows)
    tickets = sum(row["tickets"] for row in found)
    return {
        "tickets": tickets,
        "share": round(tickets / total, 4) if total else 0.0,
        "agent_minutes": _sum(row["agent_minutes"] for row in found),
        "cost_minor": _sum(row["cost_minor"] for row in found),
    }


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 1) if known else None


def _cumulative(ranked: Sequence[Row], places: int) -> float:
    return float(ranked[min(places, len(ranked)) - 1]["cumulative_share"]) if ranked else 0.0
