"""Invoices and credit notes in the mirror."""

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import invoice_changed
from portal.billing.models import CreditNote
from portal.extensions import db
from portal.gateways.stripe_objects import CreditNoteSnapshot, InvoiceSnapshot
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource, InvoiceStatus
from portal.kit.clock import utcnow
from portal.stripe_mirror.target import Target


def apply_invoice(target: Target, snapshot: InvoiceSnapshot) -> None:
    """Make our row say what Stripe says about an invoice. Drafts are not shown to anybody, so not kept."""
    if snapshot.status == "draft" or snapshot.number is None:
        return
    statement = (
        select(Invoice).where(Invoice.stripe_id == snapshot.id).options(db.selectinload(Invoice.lines))
    )
    invoice = db.session.scalar(statement)
    is_new = invoice is None
    if invoice is None:
        invoice = Invoice(
            organization_id=target.organization.id,
            source=InvoiceSource.STRIPE,
            stripe_id=snapshot.id,
            lines=[],
        )
        db.session.add(invoice)
    before = None if is_new else invoice.status.value
    tried = 0 if is_new else invoice.attempts
    _copy_invoice(invoice, snapshot)
    db.session.flush()
    _record_invoice(target.actor, invoice, before, tried)
    if target.is_told:
        invoice_changed(target.actor, invoice, before, tried)


def apply_credit_note(target: Target, snapshot: CreditNoteSnapshot) -> None:
    """Make our row say what Stripe says about a credit note, with an audit row when it is new or voided."""
    row = db.session.get(CreditNote, snapshot.id)
    before: dict[str, Any] | None = {"status": row.status} if row else None
    row = row or CreditNote(stripe_id=snapshot.id, organization_id=target.organization.id)
    values = asdict(snapshot)
    for name in ("id", "customer_id"):
        del values[name]
    for name, value in values.items():
        setattr(row, name, value)
    row.synced_at = utcnow()
    db.session.add(row)
    after: dict[str, Any] = {"status": row.status}
    if before != after:
        if before is None:
            after |= {"total_minor": row.total_minor, "currency": row.currency}
        change = Change("credit_note", row.stripe_id, row.number, before, after)
        record(target.actor, Action.CREDIT_NOTE_CHANGED, change)


def _record_invoice(actor: Actor, invoice: Invoice, before: str | None, tried: int) -> None:
    """What happened to an invoice since it was `before` (None: it is new) with `tried` attempts to charge it."""
    what = Change("invoice", invoice.id, invoice.number)
    status = {"status": invoice.status.value}
    if before is None:
        record(actor, Action.INVOICE_ISSUED, replace(what, after=status))
    elif before != invoice.status.value:
        record(actor, Action.INVOICE_CHANGED, replace(what, before={"status": before}, after=status))
    if invoice.attempts > tried and invoice.status is InvoiceStatus.OPEN:
        record(actor, Action.INVOICE_PAYMENT_FAILED, replace(what, after={"attempts": invoice.attempts}))


def _copy_invoice(invoice: Invoice, snapshot: InvoiceSnapshot) -> None:
    values = asdict(snapshot)
    for name in ("id", "customer_id", "lines", "status"):
        del values[name]
    for name, value in values.items():
        setattr(invoice, name, value)
    invoice.status = InvoiceStatus(snapshot.status)
    lines = [InvoiceLine(position=position, **asdict(line)) for position, line in enumerate(snapshot.lines)]
    if [_line_values(line) for line in invoice.lines] != [_line_values(line) for line in lines]:
        invoice.lines.clear()
        db.session.flush()
        invoice.lines.extend(lines)


def _line_values(line: InvoiceLine) -> tuple[Any, ...]:
    return line.position, line.description, line.quantity, line.unit_minor, line.amount_minor
