"""The report of an audit: one page that says what would stop arriving, what it costs, what stays, what is unclear."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from portal.config import ROOT
from portal.gateways.pdf import render_pdf
from portal.inbox.charts import ranking_chart
from portal.inbox.ranking import TOP
from portal.kit.money import NO_BREAK_SPACE, Money
from portal.kit.paper import paper_html
from portal.kit.words import language_name, number, short_date

HTML_FILE, PDF_FILE = "report.html", "report.pdf"
ACCENT, INK = "#2f5fd0", "#16181d"
MINUTES_AN_HOUR = 60
MOST_FILES_NAMED = 3
SCREEN_TITLES = {
    "account": "Profile and security",
    "api_keys": "API keys",
    "billing": "Billing",
    "invoices": "Invoices",
    "team": "Team",
    "usage": "Usage",
}


@dataclass(frozen=True, slots=True)
class ReportWords:
    """The figures of a summary as people read them; used by the report and by the page of an audit."""

    summary: Mapping[str, Any]

    @property
    def days(self) -> str:
        """The days from the first ticket to the last, or an empty text."""
        first, last = _moment(self.summary["first_created_at"]), _moment(self.summary["last_created_at"])
        return f"{short_date(first)} to {short_date(last)}" if first and last else ""

    @property
    def sources(self) -> str:
        """The files, the first few by name."""
        names = [each["name"] for each in self.summary["files"]]
        more = len(names) - MOST_FILES_NAMED
        return ", ".join(names[:MOST_FILES_NAMED]) + (f" and {more} more" if more > 0 else "")

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        absorbable, total = self.summary["absorbable"], self.summary["requests"]
        if not total:
            return "No request was found in these tickets."
        return (
            f"{number(absorbable['tickets'])} of {number(total)} requests ({percent(absorbable['share'])}) "
            "could be settled on a screen."
        )

    def effort(self, row: Mapping[str, Any]) -> str:
        """Work and its cost, such as `48 h, $2,160.00`; an empty text where nobody measured."""
        return ", ".join(filter(None, (self.work(row), self.cost(row))))

    def work(self, row: Mapping[str, Any]) -> str:
        """Time worked, or an empty text."""
        minutes = row["agent_minutes"]
        return "" if minutes is None else hours(minutes)

    def cost(self, row: Mapping[str, Any]) -> str:
        """The cost of a row, or an empty text."""
        currency, minor = self.summary["currency"], row["cost_minor"]
        return Money(int(minor), currency).format() if currency and minor is not None else ""

    @property
    def minute_cost(self) -> str:
        """What a minute was said to cost, or an empty text."""
        currency, minor = self.summary["currency"], self.summary["minute_cost_minor"]
        return Money(minor, currency).format() if currency else ""

    @property
    def top(self) -> list[Mapping[str, Any]]:
        """The ranked rows that are shown."""
        return list(self.summary["ranked"][:TOP])

    @property
    def support_rows(self) -> list[Mapping[str, Any]]:
        """What stays with people, commonest first."""
        return [row for row in self.summary["ranked"] if row["is_absorbable"] is False]

    @property
    def left_out(self) -> str:
        """What was read and is in no share, in words."""
        counts, requests = self.summary["tickets"], self.summary["requests"]
        parts = {
            "merged": counts["merged"],
            "spam": counts["spam"],
            "automatic": counts["automatic"],
            "no request": counts["request"] - requests,
            "outside the dates": counts["outside_dates"],
        }
        return ", ".join(f"{number(count)} {what}" for what, count in parts.items() if count)

    @property
    def languages(self) -> str:
        """Such as `English 88%, German 9%`; a language without a name here by its code."""
        rows = self.summary["languages"][:5]
        named = ", ".join(f"{language_name(row['language'])} {percent(row['share'])}" for row in rows)
        return named.replace("<", "under ")

    @property
    def suggested(self) -> str:
        """The locales worth offering, by name."""
        return ", ".join(map(language_name, self.summary["suggested_locales"]))

    @property
    def corrections(self) -> str:
        """What people corrected, or an empty text."""
        taught = self.summary["tagger"]["taught"]
        return (
            f"{number(taught)} {'correction' if taught == 1 else 'corrections'} by people" if taught else ""
        )

    def screen_title(self, screen: str) -> str:
        """What people call a screen."""
        return SCREEN_TITLES.get(screen, screen.replace("_", " ").capitalize())


def write_report(folder: Path, summary: Mapping[str, Any]) -> None:
    """`report.html`, which needs no other file, and `report.pdf`, one A4 page."""
    html = report_html(summary)
    (folder / HTML_FILE).write_text(html, encoding="utf-8")
    (folder / PDF_FILE).write_bytes(render_pdf(html, base=ROOT / "static"))


def report_html(summary: Mapping[str, Any]) -> str:
    """The report as one HTML document. `summary` is what `summary.json` holds, times as text or as times."""
    words = ReportWords(summary)
    chart = ranking_chart(summary["ranked"], accent=ACCENT, ink=INK) if summary["ranked"] else Markup()
    made_at = _moment(summary["made_at"])
    return paper_html(
        "ticket_audit.html",
        summary=summary,
        words=words,
        chart=chart,
        made_at=made_at,
        percent=percent,
        number=number,
        short_date=short_date,
    )


def percent(share: float) -> str:
    """`12%`; under half a percent `<1%`."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def hours(minutes: float) -> str:
    """Work in words: minutes under two hours, else hours."""
    if minutes < 2 * MINUTES_AN_HOUR:
        return f"{number(round(minutes))}{NO_BREAK_SPACE}min"
    return f"{number(round(minutes / MINUTES_AN_HOUR))}{NO_BREAK_SPACE}h"


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
