"""The files of an audit. Every text in a CSV is safe to open in a spreadsheet (`portal.kit.csv`)."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from portal.inbox.earlier import TagsWriter
from portal.inbox.ranking import TOP
from portal.inbox.ticket import Kind, Ticket
from portal.inbox.verdicts import Verdict, key_of, unclear_first
from portal.kit.csv import Cell, csv_lines, csv_rows
from portal.kit.money import Money

AUDIT_FILE, TICKETS_FILE, SUMMARY_FILE = "audit.csv", "tickets.csv", "summary.json"
OUTPUT_FILES = (AUDIT_FILE, TICKETS_FILE, SUMMARY_FILE, "report.html", "report.pdf")
"""What can be downloaded of an audit; `tags.json` is for the next run of the command."""
AUDIT_COLUMNS = (
    "rank", "reason", "title", "screen", "absorbable", "tickets", "share", "cumulative_share",
    "median_first_reply_hours", "median_resolution_hours", "unsolved", "agent_minutes", "cost", "languages",
    "example_ids",
)  # fmt: skip
TICKET_COLUMNS = (
    "ticket_id", "source_file", "created_at", "reason", "confidence", "why", "screen", "language",
)  # fmt: skip
PERSONAL_COLUMNS = ("requester_name", "requester_email", "subject", "body")
BETWEEN = "; "


class TicketFiles:
    """Writes `tickets.csv` and `tags.json` as tickets are tagged."""

    def __init__(self, folder: Path, *, with_personal_data: bool) -> None:
        self.tags = TagsWriter(folder)
        self._with_personal_data = with_personal_data
        self._file = (folder / TICKETS_FILE).open("wb")
        columns = TICKET_COLUMNS + (PERSONAL_COLUMNS if with_personal_data else ())
        self._file.writelines(csv_lines(columns, []))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self.tags.close()

    def add(self, tagged: Sequence[tuple[Ticket, Verdict]]) -> None:
        """Some more tickets, in the order in which they were read."""
        self._file.writelines(csv_rows(self._row(*each) for each in tagged))
        for ticket, verdict in tagged:
            if ticket.kind is Kind.REQUEST or verdict.is_pinned:
                self.tags.write(key_of(ticket), verdict)

    def _row(self, ticket: Ticket, verdict: Verdict) -> list[Cell]:
        row: list[Cell] = [
            ticket.id,
            ticket.source_file,
            ticket.created_at,
            verdict.reason,
            _decimal(verdict.confidence, 4),
            unclear_first(verdict),
            verdict.screen,
            ticket.language,
        ]
        if self._with_personal_data:
            row += [ticket.requester_name, ticket.requester_email, ticket.subject, ticket.body]
        return row


def audit_csv(ranked: Sequence[Mapping[str, Any]], minute_cost: Money | None) -> bytes:
    """The ranked top, as the contract names its columns. Shares are fractions of 1, times hours, cost major units."""
    return b"".join(csv_lines(AUDIT_COLUMNS, [_audit_row(row, minute_cost) for row in ranked[:TOP]]))


def _audit_row(row: Mapping[str, Any], minute_cost: Money | None) -> list[Cell]:
    cost = row["cost_minor"]
    return [
        row["rank"],
        row["reason"],
        row["title"],
        row["screen"],
        {True: "yes", False: "no", None: ""}[row["is_absorbable"]],
        row["tickets"],
        _decimal(row["share"], 4),
        _decimal(row["cumulative_share"], 4),
        _decimal(row["median_first_reply_hours"], 2),
        _decimal(row["median_resolution_hours"], 2),
        row["unsolved"],
        _number(row["agent_minutes"]),
        minute_cost.of(cost).to_decimal() if minute_cost and cost is not None else None,
        BETWEEN.join(f"{code} {share:.0%}" for code, share in row["languages"].items()),
        BETWEEN.join(row["example_ids"]),
    ]


def _number(value: float | None) -> Cell:
    return None if value is None else Decimal(str(value))


def _decimal(value: float | None, digits: int) -> Cell:
    return None if value is None else Decimal(f"{value:.{digits}f}")


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """`summary.json`, readable by people too."""
    text = json.dumps(summary, ensure_ascii=False, indent=1)
    (folder / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")
