"""Writing a reading of Stripe into our own tables, with an audit row for every difference, and telling of it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import select

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import card_changed, details_changed, invoice_changed, plan_changed
from portal.billing.models import Card, Subscription
from portal.extensions import db
from portal.gateways.stripe_objects import (
    CardSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    SubscriptionSnapshot,
)
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource, InvoiceStatus
from portal.kit.clock import utcnow
from portal.notifications.models import Channel
from portal.notifications.outbox import has_pending

PLAN_FIELDS = (
    "status",
    "plan_name",
    "seats",
    "amount_minor",
    "currency",
    "interval",
    "interval_count",
    "cancel_at_period_end",
)


@dataclass(frozen=True, slots=True)
class Target:
    """The organization that a reading is written into. The first reading is where we start from: nobody is told."""

    actor: Actor
    organization: Organization
    is_told: bool


def apply_customer(target: Target, customer: CustomerSnapshot) -> None:
    """Make our rows say what Stripe says about a customer: details, card, subscriptions."""
    if not customer.is_deleted:
        _apply_details(target, customer)
    _apply_card(target, customer.card)
    known = {row.stripe_id: row for row in _subscriptions(target.organization.id)}
    for snapshot in customer.subscriptions:
        _apply_subscription(target, known.pop(snapshot.id, None), snapshot)
    for ended in known.values():  # Stripe's customer lists only subscriptions that have not ended
        if ended.status != "canceled":
            before, ended.status = ended.status, "canceled"
            _record_plan(target, ended, {"status": before}, {"status": ended.status})


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


def _apply_details(target: Target, customer: CustomerSnapshot) -> None:
    """Take name and mail from Stripe, unless a change made here is still on its way there."""
    if has_pending(Channel.STRIPE, customer.id):
        return
    organization = target.organization
    before = {"name": organization.name, "billing_email": organization.billing_email}
    after = {
        "name": customer.name or organization.name,
        "billing_email": customer.email or organization.billing_email,
    }
    if before != after:
        organization.name, organization.billing_email = after["name"], after["billing_email"]
        change = Change("organization", organization.id, after["name"], before, after)
        record(target.actor, Action.BILLING_DETAILS_CHANGED, change)
        if target.is_told:
            details_changed(target.actor, organization, before, after)


def _apply_card(target: Target, snapshot: CardSnapshot | None) -> None:
    organization = target.organization
    card = db.session.get(Card, organization.id)
    before, after = _describe(card), _describe(snapshot)
    if snapshot is None and card is not None:
        db.session.delete(card)
    elif snapshot is not None:
        card = card or Card(organization_id=organization.id)
        values = asdict(snapshot)
        card.stripe_id = values.pop("id")
        for name, value in values.items():
            setattr(card, name, value)
        card.synced_at = utcnow()
        db.session.add(card)
    if before != after:
        change = Change("organization", organization.id, organization.name, before, after)
        record(target.actor, Action.CARD_CHANGED, change)
        if target.is_told:
            card_changed(target.actor, organization, before, after)


def _describe(card: Card | CardSnapshot | None) -> dict[str, Any] | None:
    if card is None:
        return None
    expires = f"{card.exp_month:02}/{card.exp_year}" if card.exp_month else None
    return {"brand": card.brand, "last4": card.last4, "expires": expires}


def _apply_subscription(target: Target, row: Subscription | None, snapshot: SubscriptionSnapshot) -> None:
    before = {name: getattr(row, name) for name in PLAN_FIELDS} if row else None
    row = row or Subscription(stripe_id=snapshot.id, organization_id=target.organization.id)
    values = asdict(snapshot)
    del values["id"]
    for name, value in values.items():
        setattr(row, name, value)
    row.synced_at = utcnow()
    db.session.add(row)
    db.session.flush()
    after = {name: getattr(row, name) for name in PLAN_FIELDS}
    if before is None:
        _record_plan(target, row, None, after)
    elif before != after:
        changed = [name for name in PLAN_FIELDS if before[name] != after[name] or name == "currency"]
        _record_plan(
            target, row, {name: before[name] for name in changed}, {name: after[name] for name in changed}
        )


def _record_plan(
    target: Target, row: Subscription, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    change = Change("subscription", row.stripe_id, row.plan_name, before, after)
    record(target.actor, Action.SUBSCRIPTION_CHANGED, change)
    if target.is_told:
        plan_changed(target.actor, row, before, after)


def _subscriptions(organization_id: str) -> list[Subscription]:
    return list(
        db.session.scalars(select(Subscription).where(Subscription.organization_id == organization_id))
    )
