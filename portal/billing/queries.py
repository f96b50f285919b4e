"""Selects about billing."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import select

from portal.billing.models import PaymentMethod, Subscription
from portal.contracts.models import Contract
from portal.errors import ConflictError
from portal.extensions import db
from portal.gateways.stripe_objects import CardSnapshot, HeldChange, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.identity.queries import locked
from portal.stripe_mirror.models import StripeSync

ENDED = ("canceled", "incomplete_expired")


class ClosedCustomerError(ConflictError):
    """The organization's customer was deleted at Stripe, which no one can take back."""

    title = "Closed at Stripe"

    def __init__(self) -> None:
        super().__init__("Your billing account at Stripe is closed. Write to support.")


@dataclass(frozen=True, slots=True)
class Known:
    """What our own database knows of how an organization pays."""

    card: CardSnapshot | None
    subscription: SubscriptionSnapshot | None
    contract: Contract | None
    synced_at: datetime | None
    is_closed: bool


def known_billing(organization: Organization) -> Known:
    """The mirror of Stripe, as plain values, and the contract."""
    sync = (
        db.session.get(StripeSync, organization.stripe_customer_id)
        if organization.stripe_customer_id
        else None
    )
    card = db.session.scalar(
        select(PaymentMethod).where(
            PaymentMethod.organization_id == organization.id, PaymentMethod.is_default
        )
    )
    row = db.session.scalar(
        select(Subscription)
        .where(Subscription.organization_id == organization.id, Subscription.status.not_in(ENDED))
        .order_by(Subscription.created_at.desc())
        .limit(1)
    )
    return Known(
        card=_card_values(card) if card else None,
        subscription=_subscription_values(row) if row else None,
        contract=db.session.get(Contract, organization.id),
        synced_at=sync.synced_at if sync else None,
        is_closed=sync is not None and sync.deleted_at is not None,
    )


def require_open_customer(organization: Organization) -> None:
    """Raises `ClosedCustomerError` where we have seen that the customer is deleted at Stripe. One select."""
    seen = select(StripeSync.deleted_at).where(StripeSync.customer_id == organization.stripe_customer_id)
    if db.session.scalar(seen) is not None:
        raise ClosedCustomerError


def _card_values(row: PaymentMethod) -> CardSnapshot:
    return CardSnapshot(row.stripe_id, row.brand, row.last4, row.exp_month, row.exp_year, row.is_default)


def _subscription_values(row: Subscription) -> SubscriptionSnapshot:
    names = [field.name for field in fields(SubscriptionSnapshot) if field.name not in ("id", "held")]
    held = {field.name: getattr(row, f"held_{field.name}") for field in fields(HeldChange)}
    return SubscriptionSnapshot(
        id=row.stripe_id,
        held=HeldChange(**held) if row.held_schedule_id else None,
        **{name: getattr(row, name) for name in names},
    )


def organization_by_customer(customer_id: str, *, lock: bool = False) -> Organization | None:
    """The organization that this Stripe customer is, if it is one of ours. `lock` as in `organization_by_id`."""
    statement = select(Organization).where(Organization.stripe_customer_id == customer_id)
    return db.session.scalar(locked(statement) if lock else statement)
