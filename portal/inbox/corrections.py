"""Corrections: a CSV of ticket ids and the reasons that a person settled."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from portal.errors import InvalidInputError
from portal.inbox.reasons import all_reasons

HEADER = ("ticket_id", "reason")
DELIMITERS = ",;\t"
MOST_LINES_NAMED = 20


@dataclass(slots=True)
class Corrections:
    """Reasons by ticket id, and the line each stands in. `used` are the ids that a ticket was found for."""

    reasons: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def reason_of(self, ticket_id: str) -> str | None:
        """The settled reason of a ticket, if there is one; notes that it was used."""
        reason = self.reasons.get(ticket_id)
        if reason is not None:
            self.used.add(ticket_id)
        return reason

    def unknown_ids(self) -> list[dict[str, object]]:
        """Ids for which no ticket was read, with their lines."""
        left = (ticket_id for ticket_id in self.reasons if ticket_id not in self.used)
        return [{"line": self.lines[ticket_id], "ticket_id": ticket_id} for ticket_id in left]


def read_corrections(path: Path) -> Corrections:
    """A CSV with the columns `ticket_id` and `reason`, and any others; the last line of an id counts.

    In UTF-8 or Windows-1252, with commas, semicolons or tabs as its header line has them.

    Raises `InvalidInputError` that names each line with an unknown reason or without an id; `OSError`.
    """
    found, mistakes = Corrections(), []
    try:
        for line, ticket_id, reason in _rows(path):
            if mistake := _mistake(ticket_id, reason):
                mistakes.append(f"line {line}: {mistake}")
            found.reasons[ticket_id], found.lines[ticket_id] = reason, line
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path.name} is not a CSV: {error}", field="corrections") from error
    if mistakes:
        more = len(mistakes) - MOST_LINES_NAMED
        shown = [*mistakes[:MOST_LINES_NAMED], *([f"and {more} more"] if more > 0 else [])]
        raise InvalidInputError(f"{path.name}: {'; '.join(shown)}", field="corrections")
    return found


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    text = _decoded(path.read_bytes())
    header = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=header.count))
    missing = [name for name in HEADER if name not in (rows.fieldnames or ())]
    if missing:
        message = f"{path.name}: line 1: the column {missing[0]} is missing"
        raise InvalidInputError(message, field="corrections")
    for row in rows:
        yield rows.line_num, (row["ticket_id"] or "").strip(), (row["reason"] or "").strip()


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _mistake(ticket_id: str, reason: str) -> str | None:
    if not ticket_id:
        return "no ticket_id"
    return None if reason in all_reasons() else f"unknown reason {reason!r}"
