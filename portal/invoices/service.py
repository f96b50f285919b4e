"""Verbs of invoices that are ours."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

from sqlalchemy import select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError, or_not_found
from portal.extensions import db
from portal.invoices.models import Invoice, InvoiceSource, InvoiceStatus
from portal.kit.clock import utcnow
from portal.kit.money import Money, TooManyDigitsError
from portal.notifications.events import Event, announce
from portal.permissions import StaffRole


def mark_paid(actor: Actor, invoice_id: str, amount: Decimal, paid_on: date, reason: str) -> Invoice:
    """Staff record that an invoice by transfer was paid: `amount` in major units, the whole of what is due.

    Raises `ForbiddenError`, `NotFoundError`, `InvalidInputError` naming the field, and `ConflictError` for invoices
    that Stripe keeps and for those that are not open.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    invoice = _lock_invoice(actor.organization, invoice_id)
    if invoice.source is InvoiceSource.STRIPE:
        raise ConflictError("Stripe keeps this invoice. Record the payment there.")
    if invoice.status is not InvoiceStatus.OPEN:
        raise ConflictError(f"This invoice is not open: it is {invoice.status.value}.")
    paid = _whole_amount(invoice, amount)
    if not invoice.issued_at.date() <= paid_on <= utcnow().date():
        raise InvalidInputError("Choose a day from the day of issue to today.", field="paid_on")
    invoice.status, invoice.due_minor = InvoiceStatus.PAID, 0
    invoice.paid_minor += paid.minor
    invoice.paid_at = paid_at = datetime.combine(paid_on, time(), UTC)
    db.session.flush()
    _note_payment(actor, invoice, paid, paid_at, reason)
    return invoice


def _note_payment(actor: Actor, invoice: Invoice, paid: Money, paid_at: datetime, reason: str) -> None:
    after = {"status": invoice.status.value, "paid": paid.format(), "paid_on": paid_at.date().isoformat()}
    what = Change("invoice", invoice.id, invoice.number, {"status": InvoiceStatus.OPEN.value}, after)
    record(actor, Action.INVOICE_MARKED_PAID, what, reason=reason)
    payload = {
        "invoice": invoice.number,
        "invoice_id": invoice.id,
        "amount_minor": paid.minor,
        "currency": paid.currency,
        "paid_at": paid_at.isoformat(),
    }
    announce(Event.INVOICE_PAID, actor, payload)


def _whole_amount(invoice: Invoice, amount: Decimal) -> Money:
    due = Money(invoice.due_minor, invoice.currency)
    refused = InvalidInputError(
        f"{due.format()} is due. Payments in part are not recorded here.", field="amount"
    )
    try:
        paid = Money.from_decimal(amount, invoice.currency)
    except TooManyDigitsError:
        raise refused from None
    if paid != due:
        raise refused
    return paid


def _lock_invoice(organization_id: str, invoice_id: str) -> Invoice:
    """Locked: of two who record the same payment, the second finds it recorded."""
    statement = (
        select(Invoice)
        .where(Invoice.organization_id == organization_id, Invoice.id == invoice_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return or_not_found(db.session.scalar(statement))
