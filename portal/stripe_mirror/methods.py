"""Payment methods in the mirror. One that was detached stays as a tombstone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import card_changed
from portal.billing.models import PaymentMethod
from portal.extensions import db
from portal.gateways.stripe_objects import CardSnapshot
from portal.kit.clock import utcnow
from portal.stripe_mirror.target import Target


def apply_methods(target: Target, card: CardSnapshot | None, attached: Sequence[CardSnapshot] | None) -> None:
    """Make our rows say what Stripe says: `card` is charged next, `attached` are all, None where they were not read.

    Only a change of what is charged is written down and told: the others change nothing for the customer.
    """
    rows = {row.stripe_id: row for row in _rows(target.organization.id)}
    before = next((_describe(row) for row in rows.values() if row.is_default), None)
    found = {method.id: method for method in [*(attached or ()), *([card] if card else ())]}
    now = utcnow()
    for stripe_id, row in rows.items():
        row.is_default = card is not None and card.id == stripe_id
        if attached is not None and stripe_id not in found and row.detached_at is None:
            row.detached_at = row.synced_at = now
    for method in found.values():
        _write(target.organization.id, rows.get(method.id), method, card, now)
    after = _describe(card)
    if before != after:
        organization = target.organization
        change = Change("organization", organization.id, organization.name, before, after)
        record(target.actor, Action.CARD_CHANGED, change)
        if target.is_told:
            card_changed(target.actor, organization, before, after)


def _write(
    organization_id: str,
    row: PaymentMethod | None,
    method: CardSnapshot,
    card: CardSnapshot | None,
    now: datetime,
) -> None:
    if row is None:
        row = PaymentMethod(stripe_id=method.id, organization_id=organization_id)
        db.session.add(row)
    row.brand, row.last4 = method.brand, method.last4
    row.exp_month, row.exp_year = method.exp_month, method.exp_year
    row.is_default = card is not None and card.id == method.id
    row.detached_at = None
    if db.session.is_modified(row):
        row.synced_at = now


def _describe(card: PaymentMethod | CardSnapshot | None) -> dict[str, Any] | None:
    if card is None:
        return None
    expires = f"{card.exp_month:02}/{card.exp_year}" if card.exp_month else None
    return {"brand": card.brand, "last4": card.last4, "expires": expires}


def _rows(organization_id: str) -> Sequence[PaymentMethod]:
    return db.session.scalars(
        select(PaymentMethod).where(PaymentMethod.organization_id == organization_id)
    ).all()
