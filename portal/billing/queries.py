"""Selects about billing."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import select

from portal.billing.models import Card, Contract, StripeConfiguration, StripeSync, Subscription
from portal.context import current_settings
from portal.extensions import db
from portal.gateways.stripe_objects import CardSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization

ENDED = ("canceled", "incomplete_expired")


@dataclass(frozen=True, slots=True)
class Known:
    """What our own database knows of how an organization pays."""

    card: CardSnapshot | None
    subscription: SubscriptionSnapshot | None
    contract: Contract | None
    synced_at: datetime | None


def known_billing(organization: Organization) -> Known:
    """The mirror of Stripe, as plain values, and the contract."""
    sync = (
        db.session.get(StripeSync, organization.stripe_customer_id)
        if organization.stripe_customer_id
        else None
    )
    card = db.session.get(Card, organization.id)
    row = db.session.scalar(
        select(Subscription)
        .where(Subscription.organization_id == organization.id, Subscription.status.not_in(ENDED))
        .order_by(Subscription.created_at.desc())
        .limit(1)
    )
    return Known(
        card=CardSnapshot(card.stripe_id, card.brand, card.last4, card.exp_month, card.exp_year)
        if card
        else None,
        subscription=_subscription_values(row) if row else None,
        contract=db.session.get(Contract, organization.id),
        synced_at=sync.synced_at if sync else None,
    )


def _subscription_values(row: Subscription) -> SubscriptionSnapshot:
    names = [field.name for field in fields(SubscriptionSnapshot) if field.name != "id"]
    return SubscriptionSnapshot(id=row.stripe_id, **{name: getattr(row, name) for name in names})


def organization_by_customer(customer_id: str) -> Organization | None:
    """The organization that this Stripe customer is, if it is one of ours."""
    return db.session.scalar(select(Organization).where(Organization.stripe_customer_id == customer_id))


def portal_configuration_id() -> str | None:
    """The Customer Portal configuration to open sessions with: the environment's, else the newest we made."""
    settings = current_settings()
    if settings.stripe_portal_config_id:
        return settings.stripe_portal_config_id
    newest = (
        select(StripeConfiguration.stripe_id)
        .where(StripeConfiguration.livemode == settings.stripe_is_live)
        .order_by(StripeConfiguration.created_at.desc())
        .limit(1)
    )
    return db.session.scalar(newest)
