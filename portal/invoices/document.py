"""The PDF of an offline invoice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.config import ROOT
from portal.context import stripe
from portal.errors import NotFoundError, UnavailableError
from portal.extensions import release_connection
from portal.gateways.pdf import render_pdf
from portal.invoices.models import Invoice, InvoiceLine
from portal.kit.money import Money
from portal.kit.paper import paper_html


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """What `templates/pdf/invoice.html` prints. Parties and payment details are those frozen at issue."""

    number: str
    status: str
    issued_at: datetime
    due_at: datetime | None
    seller: dict[str, Any]
    buyer: dict[str, Any]
    payment_instructions: dict[str, Any] | None
    notes: str | None
    lines: list[InvoiceLine]
    subtotal: Money
    tax: Money
    total: Money
    amount_paid: Money
    amount_due: Money
    tax_label: str = "Tax"


def invoice_pdf(invoice: Invoice) -> bytes:
    """The document as PDF, the same bytes each time for the same invoice."""
    html = paper_html("invoice.html", invoice=document_of(invoice))
    return render_pdf(html, base=ROOT / "static")


def stripe_pdf_url(invoice: Invoice) -> str:
    """Where Stripe's PDF is. Such links expire, so Stripe is asked for a fresh one; without an answer, the last known.

    Raises `NotFoundError` where Stripe has made none.
    """
    known, stripe_id = invoice.pdf_url, invoice.stripe_id
    release_connection()
    try:
        fresh = stripe().invoice(stripe_id or "", tries=1).pdf_url
    except UnavailableError:
        fresh = None
    url = fresh or known
    if url is None:
        raise NotFoundError
    return url


def document_of(invoice: Invoice) -> InvoiceDocument:
    """The printable values of an offline invoice, its lines loaded."""
    frozen = invoice.document or {}

    def money(minor: int) -> Money:
        return Money(minor, invoice.currency)

    return InvoiceDocument(
        number=invoice.number,
        status=invoice.status.value,
        issued_at=invoice.issued_at,
        due_at=invoice.due_at,
        seller=frozen["seller"],
        buyer=frozen["buyer"],
        payment_instructions=frozen.get("payment_instructions"),
        notes=frozen.get("notes"),
        lines=invoice.lines,
        subtotal=money(invoice.subtotal_minor),
        tax=money(invoice.tax_minor),
        total=money(invoice.total_minor),
        amount_paid=money(invoice.paid_minor),
        amount_due=money(invoice.due_minor),
    )
