"""Invoices that were not paid in time."""

from datetime import datetime

from sqlalchemy import select

from portal.actor import system_actor
from portal.extensions import db
from portal.invoices.models import Invoice, InvoiceStatus
from portal.notifications.events import Event, announce

BATCH = 50


def announce_overdue(now: datetime) -> int:
    """Announce up to `BATCH` open invoices whose due day (UTC) is over, each once ever; returns how many.

    Part of the caller's transaction. Zero means that there are no more.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    statement = (
        select(Invoice)
        .where(
            Invoice.status == InvoiceStatus.OPEN,
            Invoice.due_at < today,
            Invoice.due_minor > 0,
            Invoice.overdue_told_at.is_(None),
        )
        .order_by(Invoice.due_at, Invoice.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    found = db.session.scalars(statement).all()
    for invoice in found:
        invoice.overdue_told_at = now
        _announce(invoice)
    return len(found)


def _announce(invoice: Invoice) -> None:
    payload = {
        "invoice": invoice.number,
        "invoice_id": invoice.id,
        "amount_minor": invoice.due_minor,
        "currency": invoice.currency,
        "due_at": invoice.due_at.isoformat() if invoice.due_at else None,
    }
    announce(Event.INVOICE_OVERDUE, system_actor(invoice.organization_id), payload)
