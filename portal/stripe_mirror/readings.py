"""What is read of Stripe at once, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

from portal.context import stripe
from portal.errors import NotFoundError
from portal.gateways.stripe_api import StripeUnavailableError
from portal.gateways.stripe_objects import CardSnapshot, CreditNoteSnapshot, CustomerSnapshot, InvoiceSnapshot

Answer = TypeVar("Answer")


class PartUnavailableError(StripeUnavailableError):
    """Stripe answered about the customer, but not about something else that was to be read of it."""


def nothing() -> None:
    """Where there is nothing to be done in between."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is read besides the customer with its card, details, tax ids and subscriptions.

    Invoices and credit notes by their ids, charges for the invoices that they paid; `is_everything` reads all of them.
    """

    has_methods: bool = False
    invoices: frozenset[str] = frozenset()
    credit_notes: frozenset[str] = frozenset()
    charges: frozenset[str] = frozenset()
    is_everything: bool = False

    def __or__(self, other: Self) -> "Scope":
        """Both in one reading."""
        return Scope(
            self.has_methods or other.has_methods,
            self.invoices | other.invoices,
            self.credit_notes | other.credit_notes,
            self.charges | other.charges,
            self.is_everything or other.is_everything,
        )


EVERYTHING = Scope(has_methods=True, is_everything=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """What Stripe said. `methods` None: they were not asked for."""

    customer: CustomerSnapshot
    methods: list[CardSnapshot] | None
    invoices: list[InvoiceSnapshot]
    credit_notes: list[CreditNoteSnapshot]


def read(customer_id: str, scope: Scope, between: Callable[[], None] = nothing) -> Reading:
    """Ask Stripe, outside any transaction; `between` is called before each further question.

    Raises `NotFoundError`, `StripeUnavailableError` (`PartUnavailableError` after the first answer) and
    `StripeRefusedError`.
    """
    customer = stripe().customer(customer_id)
    try:
        return _read_parts(customer, scope, between)
    except StripeUnavailableError as error:
        raise PartUnavailableError(error.message, retry_after_seconds=error.retry_after_seconds) from error


def _read_parts(customer: CustomerSnapshot, scope: Scope, between: Callable[[], None]) -> Reading:
    customer_id = customer.id
    methods: list[CardSnapshot] | None = None
    if scope.has_methods or scope.is_everything or customer.is_deleted:
        between()
        methods = [] if customer.is_deleted else stripe().payment_methods(customer_id)
    if scope.is_everything:
        between()
        invoices = stripe().invoices(customer_id)
        between()
        return Reading(customer, methods, invoices, stripe().credit_notes(customer_id))
    notes = [_then(between, stripe().credit_note, note_id) for note_id in sorted(scope.credit_notes)]
    charged = [_then(between, stripe().charge_invoice, charge_id) for charge_id in sorted(scope.charges)]
    wanted = {
        *scope.invoices,
        *(note.invoice_id for note in notes),
        *(found for _, found in charged if found),
    }
    invoices = [
        invoice for invoice_id in sorted(wanted) if (invoice := _then(between, _invoice_if_any, invoice_id))
    ]
    return Reading(customer, methods, invoices, notes)


def _then(between: Callable[[], None], ask: Callable[[str], Answer], what: str) -> Answer:
    between()
    return ask(what)


def _invoice_if_any(invoice_id: str) -> InvoiceSnapshot | None:
    try:
        return stripe().invoice(invoice_id)
    except NotFoundError:  # a draft that was deleted
        return None
