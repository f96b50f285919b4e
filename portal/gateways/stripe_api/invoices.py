"""Calls about invoices, credit notes and refunds."""

from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_objects.customers import owner_of
from portal.gateways.stripe_objects.invoices import (
    CreditNoteSnapshot,
    InvoiceSnapshot,
    credit_note_snapshot,
    invoice_snapshot,
    payment_intents,
)
from portal.gateways.stripe_objects.kit import Tree, id_of, maybe_id

PAYMENT_INTENT = "payment.payment_intent"
PAYMENT = f"payments.data.{PAYMENT_INTENT}"


class InvoiceCalls(Connection):
    """Reading what a customer was charged and given back."""

    def invoice(self, invoice_id: str, *, tries: int = 2) -> InvoiceSnapshot:
        """One invoice with all its lines, the state of its payment and what was paid back."""
        data = self._get(path_of("invoices", invoice_id), {"expand": [PAYMENT]}, tries=tries)
        data = self._with_payments(data, tries)
        charges: list[Tree] = []
        for intent in payment_intents(data) if data["amount_paid"] else []:
            charges += self._pages(path_of("charges"), {"payment_intent": intent}, tries=tries)
        return self._with_lines(data, _refunds(charges), tries)

    def invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        """Every invoice of a customer, all pages."""
        found = list(self._pages(path_of("invoices"), {"customer": customer_id, "expand": ["data.payments"]}))
        if not found:
            return []
        refunds = _refunds(list(self._pages(path_of("charges"), {"customer": customer_id})))
        return [
            self.invoice(data["id"])
            if data["status"] == "open"
            else self._with_lines(self._with_payments(data), refunds)
            for data in found
        ]

    def _with_payments(self, invoice: Tree, tries: int = 2) -> Tree:
        """Stripe embeds the first payments of an invoice; the rest comes in pages."""
        wanted = {"invoice": invoice["id"], "expand": [f"data.{PAYMENT_INTENT}"]}
        found = self._all_of(invoice.get("payments"), path_of("invoice_payments"), wanted, tries=tries)
        return {**invoice, "payments": {"data": found}}

    def _with_lines(self, invoice: Tree, refunds: dict[str, int], tries: int = 2) -> InvoiceSnapshot:
        """Stripe embeds the first ten lines; the rest comes in pages. `refunds` is by payment intent."""
        lines = self._all_of(invoice["lines"], path_of("invoices", invoice["id"], "lines"), {}, tries=tries)
        refunded = sum(refunds.get(intent, 0) for intent in payment_intents(invoice))
        return invoice_snapshot(invoice, lines, refunded)

    def credit_note(self, credit_note_id: str) -> CreditNoteSnapshot:
        """One credit note."""
        return credit_note_snapshot(self._get(path_of("credit_notes", credit_note_id)))

    def credit_notes(self, customer_id: str) -> list[CreditNoteSnapshot]:
        """Every credit note of a customer, all pages."""
        pages = self._pages(path_of("credit_notes"), {"customer": customer_id})
        return [credit_note_snapshot(item) for item in pages]

    def charge_invoice(self, charge_id: str) -> tuple[str | None, str | None]:
        """Whom a charge belongs to and the invoice that it paid; None for what there is none of."""
        charge = self._get(path_of("charges", charge_id))
        intent = maybe_id(charge.get("payment_intent"))
        if intent is None:
            return owner_of(charge), None
        payment = {"type": "payment_intent", "payment_intent": intent}
        payments = self._pages(path_of("invoice_payments"), {"payment": payment, "limit": 1})
        return owner_of(charge), next((id_of(item["invoice"]) for item in payments), None)


def _refunds(charges: list[Tree]) -> dict[str, int]:
    """What was paid back, by payment intent."""
    found: dict[str, int] = {}
    for charge in charges:
        intent = maybe_id(charge.get("payment_intent"))
        if intent:
            found[intent] = found.get(intent, 0) + charge["amount_refunded"]
    return found
