"""Globex's invoices: one a quarter, paid by transfer, the last one overdue. Amounts are euro cents."""

from datetime import UTC, datetime, timedelta
from typing import Any

from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource, InvoiceStatus

SEATS = 60
SEAT_MINOR = 20_000
TAX_PERCENT = 19
DAYS_TO_PAY = 30
SELLER = {
    "name": "Portal Demo Ltd",
    "address_lines": ["12 Harbour Street", "Dublin", "D01 X4Y5", "Ireland"],
    "tax_id": None,
    "email": "accounts@portal.example",
}
BUYER = {
    "name": "Globex Logistik GmbH",
    "address_lines": ["Speicherstraße 14", "20457 Hamburg", "Germany"],
    "tax_id": None,
    "email": "owner@globex.example",
}
BANK = {"bank": "Example Bank Dublin", "iban": "IE29 AIBK 9311 5212 3456 78", "bic": "AIBKIE2D"}


def globex_invoices(globex: Organization, now: datetime) -> list[Invoice]:
    """Five quarters, oldest first; the newest was issued 42 days ago and is 12 days late."""
    newest = (now - timedelta(days=42)).replace(hour=9, minute=0, second=0, microsecond=0)
    return [
        _invoice(globex, newest - timedelta(days=91 * back), is_paid=back > 0) for back in range(4, -1, -1)
    ]


def _invoice(globex: Organization, issued_at: datetime, *, is_paid: bool) -> Invoice:
    quarter = (issued_at.month - 1) // 3 + 1
    number = f"GL-{issued_at.year}-{quarter:02}"
    name = f"quarter {quarter} of {issued_at.year}"
    subtotal = SEATS * SEAT_MINOR
    tax = subtotal * TAX_PERCENT // 100
    total = subtotal + tax
    due_at = issued_at + timedelta(days=DAYS_TO_PAY)
    return Invoice(
        organization_id=globex.id,
        source=InvoiceSource.OFFLINE,
        number=number,
        status=InvoiceStatus.PAID if is_paid else InvoiceStatus.OPEN,
        description=f"Enterprise, {name}",
        currency="eur",
        subtotal_minor=subtotal,
        tax_minor=tax,
        total_minor=total,
        paid_minor=total if is_paid else 0,
        due_minor=0 if is_paid else total,
        issued_at=issued_at.astimezone(UTC),
        due_at=due_at,
        paid_at=due_at - timedelta(days=6) if is_paid else None,
        created_at=issued_at,
        document=_document(number),
        lines=[_line(name)],
    )


def _document(number: str) -> dict[str, Any]:
    payment = {**BANK, "reference": number}
    return {"seller": SELLER, "buyer": BUYER, "payment_instructions": payment, "notes": None}


def _line(name: str) -> InvoiceLine:
    return InvoiceLine(
        position=0,
        description=f"Enterprise seats, {name}",
        quantity=SEATS,
        unit_minor=SEAT_MINOR,
        amount_minor=SEATS * SEAT_MINOR,
    )
