"""Running an audit that staff asked for: claimed by one worker, done as a whole or not at all."""

import csv
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import delete, select

from portal.errors import PortalError
from portal.extensions import db
from portal.inbox.audit import Audit
from portal.inbox.models import AuditStatus, FileRole, TicketAudit, TicketAuditFile
from portal.inbox.outputs import OUTPUT_FILES
from portal.inbox.plan import AuditPlan
from portal.inbox.readers import ReadOptions, ReadReport, read_tickets
from portal.inbox.storing import StoredTags, TicketStore
from portal.inbox.tagging import TAGGER_NAMES
from portal.inbox.ticket import Ticket
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.kit.work import Claim, claim_ids, lock_claimed

log = logging.getLogger("portal.inbox")
MOST_TRIES = 3
READING_PERCENT = 30
"""Of the bar; the rest is tagging."""
SECONDS_BETWEEN_NOTES = 1.0
TICKETS_BETWEEN_SIGNS = 256
MOST_UNPACKED = 500_000_000
"""Bytes that the packed files of an audit unpack to, all together."""


class StoppedError(Exception):
    """The worker is asked to end; the audit begins again elsewhere."""


def claim_audit(worker: str) -> str | None:
    """Claim the audit that waits longest, one first that a worker was stopped at; its id. Commits.

    One whose workers did not get to its end `MOST_TRIES` times is given up.
    """
    for status in (AuditStatus.RUNNING, AuditStatus.QUEUED):
        for audit_id in claim_ids(TicketAudit, status, worker, 1):
            row = lock_claimed(TicketAudit, audit_id, status, worker)
            if row is None:
                db.session.rollback()
            elif row.attempts >= MOST_TRIES:
                _fail(
                    row,
                    f"No worker got to its end in {MOST_TRIES} tries. Use flask tickets audit for these files.",
                )
                db.session.commit()
            else:
                row.status, row.attempts, row.progress = AuditStatus.RUNNING, row.attempts + 1, 0
                db.session.commit()
                return str(audit_id)
    return None


def run_audit(audit_id: str, worker: str, should_go_on: Callable[[], bool]) -> bool:
    """Run a claimed audit to its end; commits. False where the worker is asked to end, or lost the claim meanwhile.

    What can be told to people (`PortalError`) is written down as its failure, and so is what reading a file raises.
    """
    row = lock_claimed(TicketAudit, audit_id, AuditStatus.RUNNING, worker)
    if row is None:
        db.session.rollback()
        return False
    plan, watch = (
        _plan(row),
        _Watch(Claim(TicketAudit, [audit_id], worker, should_go_on), audit_id, should_go_on),
    )
    db.session.rollback()
    try:
        with TemporaryDirectory(prefix="audit-") as folder:
            return _run(Path(folder), plan, watch, worker)
    except StoppedError:
        _hand_back(audit_id, worker)
        return False
    except PortalError as error:
        return _give_up(audit_id, worker, error.message)
    except (OSError, ValueError, csv.Error) as error:
        log.exception("ticket audit failed", extra={"audit_id": audit_id})
        return _give_up(audit_id, worker, f"The files could not be read: {_why(error)}.")


def _give_up(audit_id: str, worker: str, message: str) -> bool:
    db.session.rollback()
    row = lock_claimed(TicketAudit, audit_id, AuditStatus.RUNNING, worker)
    if row is not None:
        _fail(row, message)
    db.session.commit()
    return True


def _why(error: Exception) -> str:
    """In words of the system, since a message may quote what stands in a file."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, csv.Error) else type(error).__name__


@dataclass(slots=True)
class _Watch:
    """Keeps the claim and says how far the audit is."""

    claim: Claim
    audit_id: str
    should_go_on: Callable[[], bool]
    size: int = 1
    read: int = 0
    noted: float = field(default_factory=time.monotonic)

    def on_bytes(self, count: int) -> None:
        self.read += count
        self._note(READING_PERCENT * min(self.read, self.size) // self.size)

    def watched(self, tickets: Iterable[Ticket]) -> Iterator[Ticket]:
        """The same tickets. A sign is given between them too: of a packed file many come from few bytes."""
        for number, ticket in enumerate(tickets, 1):
            if number % TICKETS_BETWEEN_SIGNS == 0:
                self.on_bytes(0)
            yield ticket

    def on_tagged(self, done: int, total: int) -> None:
        self._note(READING_PERCENT + (99 - READING_PERCENT) * done // max(total, 1))

    def _note(self, percent: int) -> None:
        if not self.should_go_on():
            raise StoppedError
        self.claim.keep()
        if time.monotonic() - self.noted >= SECONDS_BETWEEN_NOTES:
            row = db.session.get_one(TicketAudit, self.audit_id)
            row.progress = percent
            db.session.commit()
            self.noted = time.monotonic()


def _run(folder: Path, plan: AuditPlan, watch: _Watch, worker: str) -> bool:
    paths = _write_inputs(watch.audit_id, folder)
    watch.size = max(1, sum(path.stat().st_size for path in paths))
    out, report, options = folder / "out", ReadReport(), ReadOptions(most_unpacked=MOST_UNPACKED)
    out.mkdir()
    with closing(TicketStore(folder / "store")) as store:
        audit = Audit(out, plan, report, StoredTags(), store=store.add, on_tagged=watch.on_tagged)
        summary = audit.run(watch.watched(read_tickets(paths, options, report, watch.on_bytes)))
        row = lock_claimed(TicketAudit, watch.audit_id, AuditStatus.RUNNING, worker)
        if row is None:
            db.session.rollback()
            return False
        store.write(row.id)
        finish(row, summary, out)
        db.session.commit()
    return True


def finish(row: TicketAudit, summary: dict[str, Any], out: Path) -> None:
    """The audit is done: its outputs are kept and its inputs deleted, as part of the caller's transaction."""
    row.status, row.summary, row.finished_at, row.progress = AuditStatus.DONE, summary, utcnow(), 100
    row.tickets, row.tagger_version = summary["tickets"]["counted"], summary["tagger"]["version"]
    row.next_attempt_at = row.claimed_by = row.claimed_until = None
    _delete_inputs(row.id)
    db.session.add_all(
        TicketAuditFile(audit_id=row.id, role=FileRole.OUTPUT, name=name, content=(out / name).read_bytes())
        for name in OUTPUT_FILES
    )


def _fail(row: TicketAudit, message: str) -> None:
    row.status, row.error, row.finished_at = AuditStatus.FAILED, message, utcnow()
    row.next_attempt_at = row.claimed_by = row.claimed_until = None
    _delete_inputs(row.id)


def _delete_inputs(audit_id: str) -> None:
    mine = TicketAuditFile.audit_id == audit_id, TicketAuditFile.role == FileRole.INPUT
    db.session.execute(delete(TicketAuditFile).where(*mine))


def _hand_back(audit_id: str, worker: str) -> None:
    """Any worker may take it now; the try does not count."""
    db.session.rollback()
    row = lock_claimed(TicketAudit, audit_id, AuditStatus.RUNNING, worker)
    if row is not None:
        row.attempts -= 1
        row.claimed_by = row.claimed_until = None
    db.session.commit()


def _plan(row: TicketAudit) -> AuditPlan:
    minor = row.minute_cost_minor
    tagger = next(name for name in TAGGER_NAMES if name == row.tagger)
    cost = None if minor is None else Money(minor, row.currency)
    return AuditPlan(row.since, row.until, cost, tagger, row.is_retag)


def _write_inputs(audit_id: str, folder: Path) -> list[Path]:
    """The uploaded files, each in a folder of its own, so that no name meets another."""
    statement = select(TicketAuditFile.name, TicketAuditFile.content).where(
        TicketAuditFile.audit_id == audit_id, TicketAuditFile.role == FileRole.INPUT
    )
    paths = []
    for number, (name, content) in enumerate(db.session.execute(statement.order_by(TicketAuditFile.name))):
        path = folder / f"in-{number}" / name
        path.parent.mkdir()
        path.write_bytes(content)
        paths.append(path)
    db.session.rollback()
    return paths
