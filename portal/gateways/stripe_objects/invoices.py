"""Invoices and credit notes."""

from dataclasses import dataclass
from datetime import datetime

from portal.gateways.stripe_objects.kit import Tree, id_of, line, maybe_id, whole_minor
from portal.kit.clock import from_timestamp, moment


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """One line of an invoice."""

    description: str
    quantity: int | None
    unit_minor: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceSnapshot:
    """An invoice as Stripe has it now.

    `refunded_minor` is what was paid back of it. `payment_state` is the state of an open invoice's payment in
    Stripe's words (requires_action, requires_payment_method ...), "" for every other invoice.
    """

    id: str
    customer_id: str
    number: str | None
    status: str
    description: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    due_minor: int
    attempts: int
    next_attempt_at: datetime | None
    issued_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    hosted_url: str | None
    pdf_url: str | None
    lines: tuple[LineSnapshot, ...]
    refunded_minor: int = 0
    payment_state: str = ""
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreditNoteSnapshot:
    """A credit note. `status` is issued or void; `reason` is Stripe's word, None where none was given."""

    id: str
    customer_id: str
    invoice_id: str
    number: str
    status: str
    reason: str | None
    currency: str
    total_minor: int
    pdf_url: str | None
    issued_at: datetime


def invoice_snapshot(data: Tree, lines: list[Tree], refunded_minor: int = 0) -> InvoiceSnapshot:
    """From an invoice and all its lines. It counts as issued when it was finalized."""
    moments = data.get("status_transitions") or {}
    return InvoiceSnapshot(
        id=data["id"],
        customer_id=id_of(data["customer"]),
        number=data.get("number"),
        status=data["status"],
        description=line(data.get("description"), 300),
        currency=data["currency"],
        subtotal_minor=data["subtotal"],
        discount_minor=sum(part["amount"] for part in data.get("total_discount_amounts") or []),
        tax_minor=sum(tax["amount"] for tax in data.get("total_taxes") or []),
        total_minor=data["total"],
        paid_minor=data["amount_paid"],
        due_minor=data["amount_remaining"],
        attempts=data.get("attempt_count") or 0,
        next_attempt_at=from_timestamp(data.get("next_payment_attempt")),
        issued_at=moment(moments.get("finalized_at") or data["created"]),
        due_at=from_timestamp(data.get("due_date")),
        paid_at=from_timestamp(moments.get("paid_at")),
        hosted_url=data.get("hosted_invoice_url"),
        pdf_url=data.get("invoice_pdf"),
        lines=tuple(_line_snapshot(item) for item in lines),
        refunded_minor=refunded_minor,
        payment_state=_payment_state(data),
        subscription_id=_subscription_id(data),
    )


def credit_note_snapshot(data: Tree) -> CreditNoteSnapshot:
    """From a credit note."""
    return CreditNoteSnapshot(
        id=data["id"],
        customer_id=id_of(data["customer"]),
        invoice_id=id_of(data["invoice"]),
        number=data["number"],
        status=data["status"],
        reason=data.get("reason"),
        currency=data["currency"],
        total_minor=data["total"],
        pdf_url=data.get("pdf") or None,
        issued_at=moment(data["created"]),
    )


def payment_intents(invoice: Tree) -> list[str]:
    """The ids of the payment intents that were meant to pay an invoice, the default one first."""
    payments = sorted(_payments(invoice), key=lambda item: not item["is_default"])
    found = (maybe_id(item["payment"].get("payment_intent")) for item in payments)
    return [intent for intent in found if intent]


def _payment_state(invoice: Tree) -> str:
    if invoice["status"] != "open":
        return ""
    intents = (item["payment"].get("payment_intent") for item in _payments(invoice) if item["is_default"])
    return next((intent["status"] for intent in intents if isinstance(intent, dict)), "")


def _payments(invoice: Tree) -> list[Tree]:
    return list((invoice.get("payments") or {}).get("data") or [])


def _subscription_id(invoice: Tree) -> str | None:
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return maybe_id(details.get("subscription"))


def _line_snapshot(data: Tree) -> LineSnapshot:
    return LineSnapshot(
        description=line(data.get("description"), 500),
        quantity=data.get("quantity"),
        unit_minor=whole_minor((data.get("pricing") or {}).get("unit_amount_decimal")),
        amount_minor=data["amount"],
    )
