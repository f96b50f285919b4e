"""What staff do with the inbox: ask for audits, and settle reasons by hand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError, or_not_found
from portal.extensions import db
from portal.inbox.models import AuditStatus, FileRole, InboxTicket, TicketAudit, TicketAuditFile
from portal.inbox.plan import AuditPlan
from portal.inbox.reasons import all_reasons
from portal.inbox.tagging import usable_taggers
from portal.inbox.verdicts import CORRECTION, NOBODY
from portal.kit.clock import utcnow
from portal.kit.text import clean_line
from portal.permissions import StaffRole

LARGEST_BYTES = 25_000_000
"""Of all files of an audit together. What is larger goes through `flask tickets audit`."""
MOST_FILES, LONGEST_NAME = 20, 120
DEFAULT_CURRENCY = "usd"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file as it was uploaded."""

    name: str
    content: bytes


def ask_audit(actor: Actor, files: Sequence[SentFile], plan: AuditPlan) -> TicketAudit:
    """A lead has uploaded files audited; a worker does it.

    Raises `ForbiddenError`, `InvalidInputError` naming the field.
    """
    actor.require_staff(StaffRole.LEAD)
    named = _checked(files)
    _check_plan(plan)
    audit = new_audit(actor, list(named), plan)
    db.session.add(audit)
    db.session.flush()
    db.session.add_all(
        TicketAuditFile(audit_id=audit.id, role=FileRole.INPUT, name=name, content=content)
        for name, content in named.items()
    )
    note_audit(actor, audit)
    return audit


def new_audit(actor: Actor, file_names: Sequence[str], plan: AuditPlan) -> TicketAudit:
    """The row of an audit that is to be run. It ends by now: of later tickets nothing can be known yet."""
    names = ", ".join(file_names)
    return TicketAudit(
        name=names if len(names) <= LONGEST_NAME else f"{names[: LONGEST_NAME - 3]}...",
        file_names=names,
        since=plan.since,
        until=min(plan.until, utcnow()) if plan.until else None,
        minute_cost_minor=plan.minute_cost.minor if plan.minute_cost else None,
        currency=plan.minute_cost.currency if plan.minute_cost else DEFAULT_CURRENCY,
        tagger=plan.tagger,
        is_retag=plan.retag,
        created_by=actor.name[:120],
    )


def note_audit(actor: Actor, audit: TicketAudit) -> None:
    """Put the asking into the log; the row has its id."""
    facts = {"files": audit.file_names, "tagger": audit.tagger}
    record(actor, Action.TICKET_AUDIT_ASKED, Change("ticket_audit", audit.id, audit.name, None, facts))


def pin_reason(actor: Actor, ticket_id: str, reason: str) -> InboxTicket:
    """A lead settles the reason of a stored ticket: it counts from now on, and teaches the tagger of later audits.

    Raises `ForbiddenError`, `NotFoundError`, `InvalidInputError` (reason).
    """
    actor.require_staff(StaffRole.LEAD)
    ticket = or_not_found(db.session.get(InboxTicket, ticket_id, with_for_update=True))
    if reason not in all_reasons():
        raise InvalidInputError("Choose a reason from the list.", field="reason")
    before = {"reason": ticket.reason, "unclear": ticket.is_unclear}
    ticket.reason, ticket.is_unclear, ticket.confidence = reason, False, 1.0
    ticket.why, ticket.tagger_version = f"settled by {actor.name}", CORRECTION
    ticket.pinned_by, ticket.pinned_at = actor.name[:120], utcnow()
    name = f"{ticket.source} {ticket.external_id}"
    change = Change("inbox_ticket", ticket.id, name, before, {"reason": reason, "unclear": False})
    record(actor.within(None), Action.TICKET_REASON_PINNED, change)
    return ticket


def unpin_reason(actor: Actor, ticket_id: str) -> InboxTicket:
    """A lead takes back what a person settled: the ticket is unclear until the next audit tags it, and teaches nothing.

    Raises `ForbiddenError`, `NotFoundError`, `ConflictError` where nobody has settled it.
    """
    actor.require_staff(StaffRole.LEAD)
    ticket = or_not_found(db.session.get(InboxTicket, ticket_id, with_for_update=True))
    if ticket.pinned_at is None:
        raise ConflictError("Nobody has settled the reason of this ticket.")
    before = {"reason": ticket.reason, "unclear": False}
    ticket.is_unclear, ticket.confidence = True, 0.0
    ticket.why, ticket.tagger_version = f"left to the tagger by {actor.name}", NOBODY
    ticket.pinned_by = ticket.pinned_at = None
    name = f"{ticket.source} {ticket.external_id}"
    change = Change("inbox_ticket", ticket.id, name, before, {"reason": None, "unclear": True})
    record(actor.within(None), Action.TICKET_REASON_UNPINNED, change)
    return ticket


def is_waiting(audit: TicketAudit) -> bool:
    """Whether a worker has still to begin or to end it."""
    return audit.status in (AuditStatus.QUEUED, AuditStatus.RUNNING)


def _checked(files: Sequence[SentFile]) -> dict[str, bytes]:
    """Contents by names, all different."""
    if not files:
        raise InvalidInputError("Choose at least one file.", field="files")
    if len(files) > MOST_FILES:
        raise InvalidInputError(f"At most {MOST_FILES} files at once.", field="files")
    if sum(len(each.content) for each in files) > LARGEST_BYTES:
        message = "The files are larger than 25 MB in all. Use flask tickets audit for them."
        raise InvalidInputError(message, field="files")
    named: dict[str, bytes] = {}
    for number, each in enumerate(files, 1):
        if not each.content:
            raise InvalidInputError(f"{each.name} is empty.", field="files")
        name = _clean_name(each.name)
        named[f"{number}-{name}"[:LONGEST_NAME] if name in named else name] = each.content
    return named


def _clean_name(file_name: str) -> str:
    """A file's own name without the folders that some browsers send with it, and without dots around it."""
    name = re.split(r"[/\\]", file_name)[-1].strip(". ")
    return clean_line(name, field="files", maximum=LONGEST_NAME, label="The file's name")


def _check_plan(plan: AuditPlan) -> None:
    if plan.tagger not in usable_taggers():
        raise InvalidInputError("Choose a tagger from the list.", field="tagger")
    if plan.since and plan.until and plan.since >= plan.until:
        raise InvalidInputError("The last day must not be before the first.", field="until")
    if plan.minute_cost and plan.minute_cost.minor < 0:
        raise InvalidInputError("A minute cannot cost less than nothing.", field="minute_cost")
