"""Audits and stored tickets, as staff look at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select, tuple_

from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db
from portal.inbox.models import FileRole, InboxTicket, TicketAudit, TicketAuditFile
from portal.kit.paging import Page, decode_cursor, decode_time, make_page

LATEST = 5
PAGE_SIZE = 30
AUDIT_ROWS = select(
    TicketAudit.id,
    TicketAudit.name,
    TicketAudit.status,
    TicketAudit.progress,
    TicketAudit.tickets,
    TicketAudit.created_by,
    TicketAudit.created_at,
    TicketAudit.finished_at,
)
TICKET_ROWS = select(
    InboxTicket.id,
    InboxTicket.source,
    InboxTicket.external_id,
    InboxTicket.created_at,
    InboxTicket.reason,
    InboxTicket.confidence,
    InboxTicket.is_unclear,
    InboxTicket.why,
    InboxTicket.pinned_by,
    InboxTicket.pinned_at,
    InboxTicket.language,
    InboxTicket.subject,
    InboxTicket.excerpt,
)


NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN_AT = func.coalesce(InboxTicket.created_at, NO_DATE)


class Settled(StrEnum):
    """Which stored tickets staff look at."""

    UNCLEAR = "unclear"
    PINNED = "settled"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """What staff look for; an empty reason leaves all in."""

    show: Settled = Settled.UNCLEAR
    reason: str = ""


def latest_audits() -> Sequence[AnyRow]:
    """The newest first, without their summaries."""
    return _audits(None, LATEST)


def audits_page(after: str | None = None) -> Page[AnyRow]:
    """One page of all audits, newest first. Raises `InvalidInputError` for a bad `after`."""
    rows = _audits(decode_cursor(after, (str, str)), PAGE_SIZE + 1)
    return make_page(rows, PAGE_SIZE, lambda row: (row.created_at.isoformat(), row.id))


def _audits(cursor: tuple[Any, ...] | None, limit: int) -> Sequence[AnyRow]:
    statement = AUDIT_ROWS.order_by(TicketAudit.created_at.desc(), TicketAudit.id.desc()).limit(limit)
    if cursor:
        position = tuple_(TicketAudit.created_at, TicketAudit.id)
        statement = statement.where(position < (decode_time(cursor[0]), cursor[1]))
    return db.session.execute(statement).all()


def get_audit(audit_id: str) -> TicketAudit:
    """One of them, or `NotFoundError`."""
    return or_not_found(db.session.get(TicketAudit, audit_id))


def audit_file(audit_id: str, name: str) -> bytes:
    """What an audit wrote under this name, or `NotFoundError`."""
    statement = select(TicketAuditFile.content).where(
        TicketAuditFile.audit_id == audit_id,
        TicketAuditFile.role == FileRole.OUTPUT,
        TicketAuditFile.name == name,
    )
    return or_not_found(db.session.scalar(statement))


def audit_file_names(audit_id: str) -> Sequence[str]:
    """What can be downloaded of an audit."""
    mine = TicketAuditFile.audit_id == audit_id, TicketAuditFile.role == FileRole.OUTPUT
    return db.session.scalars(select(TicketAuditFile.name).where(*mine).order_by(TicketAuditFile.name)).all()


def tickets_page(wanted: TicketFilter, after: str | None = None) -> Page[AnyRow]:
    """One page of stored tickets, newest first. Raises `InvalidInputError` for a bad `after`."""
    statement = _wanted(TICKET_ROWS, wanted).order_by(WRITTEN_AT.desc(), InboxTicket.id.desc())
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(tuple_(WRITTEN_AT, InboxTicket.id) < (decode_time(cursor[0]), cursor[1]))
    rows = db.session.execute(statement.limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: ((row.created_at or NO_DATE).isoformat(), row.id))


def get_ticket(ticket_id: str) -> AnyRow:
    """One stored ticket, or `NotFoundError`."""
    return or_not_found(db.session.execute(TICKET_ROWS.where(InboxTicket.id == ticket_id)).one_or_none())


def count_tickets(wanted: TicketFilter) -> int:
    """How many there are of them."""
    return db.session.scalar(_wanted(select(func.count(InboxTicket.id)), wanted)) or 0


def _wanted(statement: Select[*tuple[Any, ...]], wanted: TicketFilter) -> Select[*tuple[Any, ...]]:
    if wanted.show is Settled.UNCLEAR:
        statement = statement.where(InboxTicket.is_unclear)
    elif wanted.show is Settled.PINNED:
        statement = statement.where(InboxTicket.pinned_at.is_not(None))
    return statement.where(InboxTicket.reason == wanted.reason) if wanted.reason else statement
