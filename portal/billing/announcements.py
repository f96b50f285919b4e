"""What is told of changes to billing, whether they began here or at Stripe."""

from datetime import datetime
from typing import Any

from portal.actor import Actor
from portal.audit.wording import field_changes
from portal.billing.models import Subscription
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceStatus
from portal.notifications.events import Event, announce

Fields = dict[str, Any]
PLAN_TERMS = (
    "plan_name",
    "seats",
    "amount_minor",
    "currency",
    "interval",
    "interval_count",
    "cancel_at_period_end",
)
"""What a plan is to its customer. How its payment stands is told with the invoice."""
NOT_YET = ("incomplete", "incomplete_expired")
"""The first payment of a plan has not come, and may never."""


def details_changed(actor: Actor, organization: Organization, before: Fields, after: Fields) -> None:
    """Tell of another billing email, and of other details, each to those whom it concerns."""
    old, new = before["billing_email"], after["billing_email"]
    if old != new:
        announce(
            Event.BILLING_EMAIL_CHANGED,
            actor,
            {"before": old, "after": new},
            addresses=[old, new],
            organization_id=organization.id,
        )
    changes = field_changes(_without_email(before), _without_email(after))
    if changes:
        announce(Event.BILLING_DETAILS_CHANGED, actor, {"changes": changes}, organization_id=organization.id)


def card_changed(
    actor: Actor, organization: Organization, before: Fields | None, after: Fields | None
) -> None:
    """Tell of another card, or of none."""
    card = f"{after['brand'].replace('_', ' ').title()} ending in {after['last4']}" if after else None
    payload = {"card": card, "changes": field_changes(before, after)}
    announce(Event.CARD_CHANGED, actor, payload, organization_id=organization.id)


def plan_changed(actor: Actor, plan: Subscription, before: Fields | None, after: Fields) -> None:
    """Tell of a new, changed, ending or ended plan. `before` is None for a new one; other values may be left out."""
    if plan.status in NOT_YET:
        return
    has_begun = before is None or before.get("status") in NOT_YET
    has_ended = after.get("status") == "canceled"
    old, new = _terms(before or {}), _terms(after)
    if old == new and not has_begun and not has_ended:
        return
    is_ending = new.get("cancel_at_period_end", False)
    kind = "ended" if has_ended else "started" if has_begun else "ending" if is_ending else "changed"
    payload = {
        "plan": plan.plan_name,
        "kind": kind,
        "changes": [] if has_begun or has_ended else field_changes(old, new),
        "ends_at": _iso(plan.period_ends_at) if plan.cancel_at_period_end else None,
    }
    announce(Event.PLAN_CHANGED, actor, payload, organization_id=plan.organization_id)


def invoice_changed(actor: Actor, invoice: Invoice, before: str | None, tried: int) -> None:
    """Tell of a new invoice (`before` None), of its payment, or of a charge that failed after `tried` tries.

    One that was paid as soon as it was issued is told of once, as paid.
    """
    common = {"invoice": invoice.number, "invoice_id": invoice.id, "currency": invoice.currency}
    if invoice.status is InvoiceStatus.PAID and before != InvoiceStatus.PAID.value:
        payload = {**common, "amount_minor": invoice.paid_minor, "paid_at": _iso(invoice.paid_at)}
        announce(Event.INVOICE_PAID, actor, payload, organization_id=invoice.organization_id)
    elif invoice.status is InvoiceStatus.OPEN and before is None:
        payload = {**common, "amount_minor": invoice.due_minor, "due_at": _iso(invoice.due_at)}
        announce(Event.INVOICE_ISSUED, actor, payload, organization_id=invoice.organization_id)
    if invoice.status is InvoiceStatus.OPEN and invoice.attempts > tried:
        payload = {
            **common,
            "amount_minor": invoice.due_minor,
            "attempts": invoice.attempts,
            "next_attempt_at": _iso(invoice.next_attempt_at),
        }
        announce(Event.PAYMENT_FAILED, actor, payload, organization_id=invoice.organization_id)


def _terms(fields: Fields) -> Fields:
    return {name: fields[name] for name in PLAN_TERMS if name in fields}


def _without_email(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "billing_email"}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
