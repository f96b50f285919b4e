"""The report as rows of a CSV file."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from portal.kit.csv import Cell, csv_lines
from portal.kit.money import Money

ENDS = ("", "_low", "_high")
HEADER = (
    "quarter",
    "reason",
    "title",
    "screen",
    "organizations_open",
    "organizations_compared",
    *(
        f"{side}_{name}"
        for side in ("before", "after")
        for name in ("tickets", "organization_days", "per_1000")
    ),
    "rate_ratio",
    "rate_ratio_low",
    "rate_ratio_high",
    "too_few_to_say",
    "tickets_since_open",
    "by_known_people",
    "tickets_within_48_hours_of_use",
    "tickets_by_people_who_never_opened_it",
    *(f"saved_{what}{end}" for what in ("tickets", "minutes", "cost") for end in ENDS),
    "currency",
)


def report_csv(figures: Mapping[str, Any]) -> Iterator[bytes]:
    """One row a reason; rates are of 1,000 active organizations in 30 days. Empty is not known or without bound."""
    return csv_lines(HEADER, (_row(figures, row) for row in figures["reasons"]))


def _row(figures: Mapping[str, Any], row: Mapping[str, Any]) -> list[Cell]:
    saved, currency = row["saved"] or {}, figures["currency"]
    names = ("tickets", "organization_days", "per_1000")
    return [
        figures["quarter"],
        *(
            row[name]
            for name in ("reason", "title", "screen", "organizations_open", "organizations_compared")
        ),
        *(_decimal(row[side][name]) for side in ("before", "after") for name in names),
        *(_decimal(row[name]) for name in ("ratio", "low", "high")),
        row["why_not"],
        row["tickets_since_open"],
        row["by_known_people"],
        row["after_use"]["tickets"],
        row["never_opened"]["tickets"],
        *(_decimal(saved.get(f"{what}{end}")) for what in ("tickets", "minutes") for end in ENDS),
        *(_money(saved.get(f"cost_minor{end}"), currency) for end in ENDS),
        currency,
    ]


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _money(minor: int | None, currency: str | None) -> Decimal | None:
    return None if minor is None or currency is None else Money(minor, currency).to_decimal()
