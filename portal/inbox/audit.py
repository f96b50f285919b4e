"""The audit itself: tickets are read, tagged, added up, and written out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from portal.errors import InvalidInputError
from portal.inbox.changes import Changes
from portal.inbox.corrections import Corrections
from portal.inbox.earlier import EarlierTags
from portal.inbox.languages import Languages
from portal.inbox.outputs import AUDIT_FILE, TicketFiles, audit_csv, write_summary
from portal.inbox.plan import AuditPlan, Intake
from portal.inbox.ranking import Ranking
from portal.inbox.readers import ReadReport
from portal.inbox.reasons import OTHER
from portal.inbox.report import write_report
from portal.inbox.spool import Spool
from portal.inbox.summary import figures
from portal.inbox.tagging import Example, Tagger, TicketText, load_tagger
from portal.inbox.ticket import Kind, Ticket
from portal.inbox.verdicts import Verdict, from_tag, key_of, no_request, pinned, text_of
from portal.kit.clock import utcnow

BATCH = 256
Tagged = Sequence[tuple[Ticket, Verdict]]


class NothingReadError(InvalidInputError):
    """Not one ticket could be read."""

    def __init__(self, why: str) -> None:
        super().__init__(f"No ticket could be read: {why}.", field="files")


def _keep_nothing(_tagged: Tagged) -> None:
    """Where no database is wanted."""


def _say_nothing(_done: int, _total: int) -> None:
    """Where nobody watches."""


@dataclass(slots=True)
class Audit:
    """One audit, written into `folder`, which is there and empty.

    `report` is what the reader of the tickets fills. `store` is given every ticket that counts; `on_tagged` is told how
    many are tagged, and of how many. The audit itself holds no transaction and no lock.
    """

    folder: Path
    plan: AuditPlan
    report: ReadReport
    earlier: EarlierTags
    corrections: Corrections = field(default_factory=Corrections)
    store: Callable[[Tagged], None] = _keep_nothing
    on_tagged: Callable[[int, int], None] = _say_nothing
    taught: int = field(default=0, init=False)

    def run(self, tickets: Iterable[Ticket]) -> dict[str, Any]:
        """Read, tag, rank and write `audit.csv`, `tickets.csv`, `tags.json`, `summary.json` and the report.

        Returns what `summary.json` holds. Raises `NothingReadError` and what reading, tagging and writing raise; then
        the folder is to be thrown away.
        """
        intake, spool = Intake(self.plan), Spool(self.folder / ".tickets")
        ranking, languages = Ranking(self.plan.minute_cost), Languages()
        changes = Changes(self.plan.retag)
        try:
            corrected = self._spool(tickets, intake, spool)
            self._refuse_nothing()
            tagger = self._taught(corrected)
            with TicketFiles(self.folder, with_personal_data=self.plan.with_personal_data) as files:
                for done, batch in enumerate(spool.batches(BATCH)):
                    tagged = self._tag(batch, tagger, changes)
                    files.add(tagged)
                    self.store(tagged)
                    self._count(tagged, ranking, languages)
                    self.on_tagged(min((done + 1) * BATCH, spool.tickets), spool.tickets)
                for key, verdict in self.earlier.others(files.tags.written):
                    files.tags.write(key, verdict)
        finally:
            spool.close()
        summary = self._summary(intake, tagger) | figures(ranking, languages, self.plan.minute_cost)
        summary["changes"] = changes.as_json()
        (self.folder / AUDIT_FILE).write_bytes(audit_csv(summary["ranked"], self.plan.minute_cost))
        write_summary(self.folder, summary)
        write_report(self.folder, summary)
        return summary

    def _spool(self, tickets: Iterable[Ticket], intake: Intake, spool: Spool) -> list[Verdict]:
        """Everything that counts goes to disk; the corrections among it come back."""
        corrected = []
        for ticket in tickets:
            if intake.takes(ticket):
                spool.add(ticket)
                if reason := self.corrections.reason_of(ticket.id):
                    corrected.append(pinned(ticket, reason))
        return corrected

    def _refuse_nothing(self) -> None:
        if self.report.tickets == 0:
            first = self.report.problems[0] if self.report.problems else None
            names = ", ".join(each.name for each in self.report.files)
            nothing = f"{names}: no ticket in it" if names else "the input is empty"
            raise NothingReadError(f"{first.file}: {first.reason}" if first else nothing)

    def _taught(self, corrected: Iterable[Verdict]) -> Tagger:
        """The tagger, taught what people settled; a text settled twice is taught as it was settled last."""
        examples = {
            verdict.pinned_text: verdict.reason
            for verdict in (*self.earlier.pinned(), *corrected)
            if verdict.pinned_text
        }
        self.taught = len(examples)
        taught = [Example(TicketText(*text), reason) for text, reason in sorted(examples.items())]
        return load_tagger(self.plan.tagger, taught)

    def _tag(self, batch: Sequence[Ticket], tagger: Tagger, changes: Changes) -> Tagged:
        texts = [text_of(ticket) for ticket in batch if ticket.kind is Kind.REQUEST]
        tags = iter(tagger.tag(texts))
        earlier = self.earlier.find([key_of(ticket) for ticket in batch])
        tagged = []
        for ticket in batch:
            if ticket.kind is Kind.REQUEST:
                now = from_tag(ticket, next(tags), tagger.version)
            else:
                now = no_request(ticket, tagger.version)
            if reason := self.corrections.reason_of(ticket.id):
                now = pinned(ticket, reason)
            tagged.append((ticket, changes.settle(ticket, earlier.get(key_of(ticket)), now)))
        return tagged

    def _count(self, tagged: Tagged, ranking: Ranking, languages: Languages) -> None:
        for ticket, verdict in tagged:
            ranking.add(ticket, verdict)
            if verdict.counted_as != OTHER:
                languages.add(ticket)

    def _summary(self, intake: Intake, tagger: Tagger) -> dict[str, Any]:
        """Where the figures come from."""
        plan, report = self.plan, self.report
        return {
            "made_at": utcnow().isoformat(timespec="seconds"),
            "files": [asdict(each) for each in report.files],
            "problems": {
                "count": report.problem_count,
                "listed": [asdict(problem) for problem in report.problems],
            },
            "tickets": {"read": report.tickets, "repeated": report.repeated, **intake.as_json()},
            "since": _iso(plan.since),
            "until": _iso(plan.until),
            "first_created_at": _iso(intake.first),
            "last_created_at": _iso(intake.last),
            "tagger": {"name": plan.tagger, "version": tagger.version, "taught": self.taught},
            "corrections": {
                "used": len(self.corrections.used),
                "unknown_ids": self.corrections.unknown_ids(),
            },
        }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
