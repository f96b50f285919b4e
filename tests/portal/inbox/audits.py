"""What tests of the audit share: tickets by the dozen, and a tagger that does as the subject says."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.inbox.audit import Audit
from portal.inbox.earlier import FileTags
from portal.inbox.plan import AuditPlan
from portal.inbox.readers import ReadReport
from portal.inbox.tagging import Example, Tag, TicketText
from portal.inbox.ticket import Ticket

START = datetime(2026, 10, 1, 9, tzinfo=UTC)


def make_ticket(number: int, subject: str, body: str = "Please help", **more: Any) -> Ticket:
    """A request of one of ten people: answered after an hour, solved after four, worked at for 6 minutes."""
    at = START + timedelta(days=number % 60)
    values: dict[str, Any] = {
        "id": str(1_000 + number),
        "source": "csv",
        "source_file": "export.csv",
        "created_at": at,
        "first_reply_at": at + timedelta(hours=1),
        "solved_at": at + timedelta(hours=4),
        "status": "solved",
        "channel": "email",
        "requester_name": f"Person Number{number % 10}",
        "requester_email": f"Person{number % 10}@customer.example",
        "assignee": "Sam",
        "agent_minutes": 6,
        "subject": subject,
        "body": body,
        "language": "en",
    }
    return Ticket(**{**values, **more})


@dataclass
class SubjectTagger:
    """The reason is the first word of the subject, and with `?` at its end unclear; what was taught goes first."""

    name: str = "subject-1"
    instead: dict[str, str] = field(default_factory=dict)
    taught: Sequence[Example] = ()
    fails_after: int | None = None
    tagged: int = 0

    @property
    def version(self) -> str:
        return f"{self.name}-{len(self.taught)}"

    def tag(self, texts: Sequence[TicketText]) -> list[Tag]:
        self.tagged += len(texts)
        if self.fails_after is not None and self.tagged > self.fails_after:
            raise KeyboardInterrupt
        return [self._tag(text) for text in texts]

    def _tag(self, text: TicketText) -> Tag:
        lessons = {example.text.body: example.reason for example in self.taught}
        word = text.subject.split()[0]
        reason = lessons.get(text.body) or self.instead.get(word) or word.rstrip("?")
        return Tag(reason, 0.9, f"says {text.subject}", word.endswith("?") and text.body not in lessons)

    def load(self, _name: str = "default", taught: Sequence[Example] = ()) -> "SubjectTagger":
        """In the place of `load_tagger`."""
        self.taught = taught
        return self


def read(tickets: Iterable[Ticket], report: ReadReport) -> Iterator[Ticket]:
    """The tickets as a reader would give them."""
    file = report.start("export.csv", "csv")
    for ticket in tickets:
        file.tickets += 1
        yield ticket


def run(
    folder: Path, tickets: Iterable[Ticket], plan: AuditPlan | None = None, **more: Any
) -> dict[str, Any]:
    """An audit of these tickets, as the command runs it into the same folder."""
    folder.mkdir(exist_ok=True)
    report = ReadReport()
    earlier = more.pop("earlier", None) or FileTags(folder)
    audit = Audit(folder, plan or AuditPlan(), report, earlier, **more)
    summary = audit.run(read(tickets, report))
    assert json.loads((folder / "summary.json").read_text()) == summary
    return summary


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV's records."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
