"""Writing a reading of Stripe into our own tables, with an audit row for every difference, and telling of it."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import PLAN_TERMS, plan_changed
from portal.billing.models import Subscription
from portal.company.mirror import apply_details, apply_tax_ids
from portal.extensions import db
from portal.gateways.stripe_objects import HeldChange, SubscriptionSnapshot
from portal.kit.clock import utcnow
from portal.stripe_mirror.invoices import apply_credit_note, apply_invoice
from portal.stripe_mirror.methods import apply_methods
from portal.stripe_mirror.readings import Reading
from portal.stripe_mirror.target import Target

PLAN_FIELDS = ("status", *PLAN_TERMS)
HELD_FIELDS = tuple(HeldChange.__slots__)


def apply(target: Target, reading: Reading) -> None:
    """Make our rows say what Stripe says about a customer: details, payment methods, subscriptions, documents."""
    customer = reading.customer
    if customer.is_deleted:
        apply_tax_ids(target, (), is_told=target.is_told)
    else:
        apply_details(target, customer)
    apply_methods(target, customer.card, reading.methods)
    known = {row.stripe_id: row for row in _subscriptions(target.organization.id)}
    for snapshot in customer.subscriptions:
        _apply_subscription(target, known.pop(snapshot.id, None), snapshot)
    for ended in known.values():  # Stripe's customer lists only subscriptions that have not ended
        _end_subscription(target, ended)
    for invoice in reading.invoices:
        apply_invoice(target, invoice)
    for note in reading.credit_notes:
        apply_credit_note(target, note)


def _apply_subscription(target: Target, row: Subscription | None, snapshot: SubscriptionSnapshot) -> None:
    before = {name: getattr(row, name) for name in PLAN_FIELDS} if row else None
    row = row or Subscription(stripe_id=snapshot.id, organization_id=target.organization.id)
    values = asdict(snapshot)
    held = values.pop("held") or dict.fromkeys(HELD_FIELDS)
    del values["id"]
    for name, value in values.items():
        setattr(row, name, value)
    for name, value in held.items():
        setattr(row, f"held_{name}", value)
    db.session.add(row)
    if db.session.is_modified(row):
        row.synced_at = utcnow()
        db.session.flush()
    after = {name: getattr(row, name) for name in PLAN_FIELDS}
    if before is None:
        _record_plan(target, row, None, after)
    elif before != after:
        changed = [name for name in PLAN_FIELDS if before[name] != after[name] or name == "currency"]
        _record_plan(
            target, row, {name: before[name] for name in changed}, {name: after[name] for name in changed}
        )


def _end_subscription(target: Target, row: Subscription) -> None:
    if row.status == "canceled":
        return
    before, row.status = row.status, "canceled"
    for name in HELD_FIELDS:
        setattr(row, f"held_{name}", None)
    row.synced_at = utcnow()
    _record_plan(target, row, {"status": before}, {"status": row.status})


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
