"""What is wrong with an organization's payments: the rule, the words' facts, and where it is put right."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from portal.actor import Actor
from portal.billing.models import Subscription
from portal.context import current_settings, stripe
from portal.database import AnyRow
from portal.errors import NotFoundError, UnavailableError
from portal.extensions import db, release_connection
from portal.gateways.stripe_api import StripeRefusedError
from portal.gateways.stripe_objects import InvoiceSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.invoices.models import Invoice, InvoiceSource, InvoiceStatus
from portal.kit.money import Money
from portal.permissions import Permission

FIRST_PAYMENT_WITHIN = timedelta(hours=23)
"""Stripe ends a subscription whose first payment has not come by then (docs: subscriptions overview, "incomplete")."""


class PaymentState(StrEnum):
    """What is wrong, the gravest first; all but the first are Stripe's words for a subscription."""

    REQUIRES_ACTION = "requires_action"
    UNPAID = "unpaid"
    PAST_DUE = "past_due"
    INCOMPLETE = "incomplete"


TROUBLED = (PaymentState.UNPAID, PaymentState.PAST_DUE, PaymentState.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class PaymentTrouble:
    """What a person is told who can put it right.

    `due` and `number` are of the invoice that waits, None and "" where it is not known. `attempts_left` counts the
    automatic tries to come; None where the account's settings are not told to us (`STRIPE_PAYMENT_ATTEMPTS`).
    `lapses_at` is when a plan ends whose first payment does not come. `invoice_id` is Stripe's.
    """

    state: PaymentState
    number: str = ""
    due: Money | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    attempts_left: int | None = None
    lapses_at: datetime | None = None
    invoice_id: str | None = None


def payment_state(subscriptions: Iterable[str], open_payments: Iterable[str]) -> PaymentState | None:
    """From the statuses of an organization's subscriptions and of the payments of its open invoices."""
    if PaymentState.REQUIRES_ACTION in open_payments:
        return PaymentState.REQUIRES_ACTION
    statuses = set(subscriptions)
    return next((state for state in TROUBLED if state in statuses), None)


def note_payment_standing(organization: Organization, statuses: Iterable[str]) -> None:
    """Keep on the organization what is wrong by its mirrored rows; for whoever has just written them.

    `statuses` are those of its subscriptions that have not ended. Part of the caller's transaction.
    """
    payments = [row.payment_state for row in _waiting_invoices(organization.id)]
    organization.payment_trouble = payment_state(statuses, payments)


def known_trouble(organization_id: str, state: str | None) -> PaymentTrouble | None:
    """The facts behind `Organization.payment_trouble`, from our own tables: two queries, none where all is well."""
    if state is None:
        return None
    invoice = next(iter(_waiting_invoices(organization_id)), None)
    begun_at = db.session.scalar(
        select(Subscription.created_at).where(
            Subscription.organization_id == organization_id, Subscription.status == PaymentState.INCOMPLETE
        )
    )
    return describe_trouble(PaymentState(state), invoice, begun_at)


def describe_trouble(
    state: PaymentState, invoice: AnyRow | InvoiceSnapshot | None, begun_at: datetime | None
) -> PaymentTrouble:
    """Put together from the invoice that waits and from when the incomplete plan began."""
    lapses_at = begun_at + FIRST_PAYMENT_WITHIN if begun_at and state is PaymentState.INCOMPLETE else None
    if invoice is None:
        return PaymentTrouble(state, lapses_at=lapses_at)
    return PaymentTrouble(
        state,
        number=invoice.number or "",
        due=Money(invoice.due_minor, invoice.currency),
        attempts=invoice.attempts,
        next_attempt_at=invoice.next_attempt_at,
        attempts_left=_left(invoice.attempts, has_next=invoice.next_attempt_at is not None),
        lapses_at=lapses_at,
        invoice_id=invoice.id,
    )


def live_trouble(
    subscriptions: Iterable[SubscriptionSnapshot], known: PaymentTrouble | None
) -> PaymentTrouble | None:
    """What a reading of Stripe says is wrong; asks once more, for the invoice that waits.

    Without an answer to that, what our tables know of the same trouble is told.
    """
    troubled = [item for item in subscriptions if item.status in TROUBLED]
    state = payment_state((item.status for item in troubled), ())
    worst = next((item for item in troubled if item.status == state), None)
    is_confirming = known is not None and known.state is PaymentState.REQUIRES_ACTION
    invoice_id = worst.latest_invoice_id if worst else known.invoice_id if known and is_confirming else None
    begun_at = worst.created_at if worst else None
    invoice = _invoice_if_answered(invoice_id)
    if invoice is not None:
        payments = [invoice.payment_state] if invoice.status == InvoiceStatus.OPEN else []
        state = payment_state([state] if state else [], payments)
        return describe_trouble(state, invoice, begun_at) if state else None
    if known is not None and (is_confirming or known.state is state):
        return known if invoice_id else None
    return describe_trouble(state, None, begun_at) if state else None


def pay_address(actor: Actor) -> str | None:
    """Stripe's page of the invoice that waits for its money; None where nothing is due any more.

    Raises `ForbiddenError`, and `UnavailableError` where neither Stripe nor our own row knows the address.
    """
    actor.require(Permission.BILLING_MANAGE)
    organization = organization_by_id(actor.organization)
    customer_id = organization.stripe_customer_id
    row = next(iter(_waiting_invoices(organization.id)), None)
    release_connection()
    if customer_id is None:
        return None
    try:
        invoice_id = row.id if row else _latest_invoice_of_troubled(customer_id)
        invoice = stripe().invoice(invoice_id, tries=1) if invoice_id else None
    except (UnavailableError, NotFoundError, StripeRefusedError):
        if row is None or row.hosted_url is None:
            raise
        return str(row.hosted_url)
    return invoice.hosted_url if invoice and invoice.status == InvoiceStatus.OPEN else None


def _waiting_invoices(organization_id: str) -> list[AnyRow]:
    """Stripe's open invoices with something due; first those that wait for a confirmation, then the newest."""
    statement = (
        select(
            Invoice.stripe_id.label("id"),
            Invoice.number,
            Invoice.due_minor,
            Invoice.currency,
            Invoice.attempts,
            Invoice.next_attempt_at,
            Invoice.payment_state,
            Invoice.hosted_url,
        )
        .where(
            Invoice.organization_id == organization_id,
            Invoice.source == InvoiceSource.STRIPE,
            Invoice.status == InvoiceStatus.OPEN,
            Invoice.due_minor > 0,
        )
        .order_by(Invoice.issued_at.desc(), Invoice.id)
    )
    rows = db.session.execute(statement).all()
    return sorted(rows, key=lambda row: row.payment_state != PaymentState.REQUIRES_ACTION)


def _latest_invoice_of_troubled(customer_id: str) -> str | None:
    customer = stripe().customer(customer_id, tries=1)
    found = (item.latest_invoice_id for item in customer.subscriptions if item.status in TROUBLED)
    return next(found, None)


def _invoice_if_answered(invoice_id: str | None) -> InvoiceSnapshot | None:
    if invoice_id is None or stripe().is_resting:
        return None
    try:
        return stripe().invoice(invoice_id, tries=1)
    except (UnavailableError, NotFoundError, StripeRefusedError):
        return None


def _left(attempts: int, *, has_next: bool) -> int | None:
    """How many automatic tries are left of those that the account's retry settings make in all."""
    in_all = current_settings().stripe_payment_attempts
    if not has_next:
        return 0
    return None if in_all is None else max(in_all - attempts, 1)
