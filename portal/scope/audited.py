"""What a ticket audit found, as far as the scope is about it."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from portal.inbox.reasons import OTHER, all_reasons
from portal.scope.document import AuditFacts, ScopeError

TICKETS_FILE = "tickets.csv"
UNSURE = "unclear: "
"""How the audit begins to say why, where the tagger was unsure."""


@dataclass(frozen=True, slots=True)
class Audited:
    """Tickets by reason, those that are clear, and the facts of the audit."""

    tickets: Mapping[str, int]
    facts: AuditFacts


def read_audit(folder: Path) -> Audited:
    """Count the tickets that `flask tickets audit --out FOLDER` wrote down. Raises `ScopeError`."""
    path = folder / TICKETS_FILE
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _count(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ScopeError(
            f"{path} cannot be read. Run flask tickets audit FILE... --out {folder} first."
        ) from None


def _count(rows: Iterable[Mapping[str, str]]) -> Audited:
    tickets: Counter[str] = Counter()
    unclear, days = 0, set[str]()
    known = all_reasons()
    for number, row in enumerate(rows, 2):
        reason = row.get("reason") or ""
        if reason not in known:
            raise ScopeError(f"{TICKETS_FILE}, row {number}: there is no reason “{reason}”.")
        if reason == OTHER:
            continue
        if (row.get("why") or "").startswith(UNSURE):
            unclear += 1
        else:
            tickets[reason] += 1
        days.add((row.get("created_at") or "")[:10])
    dated = sorted(filter(None, days))
    since, until = (_day(dated[0]), _day(dated[-1])) if dated else (None, None)
    return Audited(tickets, AuditFacts(tickets.total() + unclear, unclear, since, until))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ScopeError(f"{TICKETS_FILE}: {text} is no date.") from None
