"""Selects about invoices."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_

from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db
from portal.invoices.models import Invoice, InvoiceStatus
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.kit.paging import Page, decode_cursor, decode_time, make_page

PAGE_SIZE = 24
MOST_NAMED = 3
INVOICE_ROWS = select(
    Invoice.id,
    Invoice.source,
    Invoice.number,
    Invoice.status,
    Invoice.description,
    Invoice.currency,
    Invoice.total_minor,
    Invoice.due_minor,
    Invoice.issued_at,
    Invoice.due_at,
    Invoice.paid_at,
    Invoice.hosted_url,
)


def invoices_page(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """One page of invoices of both sources, newest first. Raises `InvalidInputError` for a bad `after`."""
    statement = INVOICE_ROWS.where(Invoice.organization_id == organization_id)
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(
            tuple_(Invoice.issued_at, Invoice.id) < (decode_time(cursor[0]), cursor[1])
        )
    ordered = statement.order_by(Invoice.issued_at.desc(), Invoice.id.desc()).limit(PAGE_SIZE + 1)
    rows = db.session.execute(ordered).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.issued_at.isoformat(), row.id))


def open_invoices(organization_id: str, limit: int) -> Sequence[AnyRow]:
    """Invoices that wait for their money, the longest due first; those without a due day come last."""
    statement = INVOICE_ROWS.where(
        Invoice.organization_id == organization_id, Invoice.status == InvoiceStatus.OPEN
    )
    ordered = statement.order_by(Invoice.due_at.is_(None), Invoice.due_at, Invoice.issued_at, Invoice.id)
    return db.session.execute(ordered.limit(limit)).all()


def overdue_invoices(organization_id: str) -> Sequence[AnyRow]:
    """The few that have been due the longest, of those that are overdue now."""
    now = utcnow()
    waiting = open_invoices(organization_id, MOST_NAMED)
    return [row for row in waiting if row.due_minor and row.due_at and row.due_at < now]


def get_invoice(organization_id: str, invoice_id: str) -> Invoice:
    """The organization's invoice with its lines, or `NotFoundError`."""
    statement = (
        select(Invoice)
        .where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
        .options(db.selectinload(Invoice.lines))
    )
    return or_not_found(db.session.scalar(statement))


def amounts_due(organization_id: str, *, overdue_at: datetime | None = None) -> list[Money]:
    """What is open, one sum per currency; with `overdue_at` only what was due by then."""
    statement = (
        select(Invoice.currency, func.sum(Invoice.due_minor))
        .where(Invoice.organization_id == organization_id, Invoice.status == InvoiceStatus.OPEN)
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    )
    if overdue_at is not None:
        statement = statement.where(Invoice.due_at < overdue_at)
    return [Money(int(total), currency) for currency, total in db.session.execute(statement) if total]


def overdue_amounts(organization_id: str) -> list[Money]:
    """What is overdue now, one sum per currency."""
    return amounts_due(organization_id, overdue_at=utcnow())
