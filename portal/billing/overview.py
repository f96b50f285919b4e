"""What the billing screen opens with: Stripe's present truth where it answers, else what we last knew."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from portal.billing.payment_trouble import PaymentState, PaymentTrouble, known_trouble, live_trouble
from portal.billing.plans import current_plan, running_plans
from portal.billing.queries import Known, known_billing
from portal.context import stripe
from portal.contracts.models import Contract
from portal.errors import NotFoundError, UnavailableError
from portal.extensions import release_connection
from portal.gateways.stripe_api import StripeRefusedError
from portal.gateways.stripe_objects import (
    CardSnapshot,
    CustomerSnapshot,
    PreviewSnapshot,
    SubscriptionSnapshot,
)
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.money import Money

EXPIRES_SOON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class BillingOverview:
    """How an organization pays. `is_live` says that Stripe has just confirmed it.

    `next_charge` is None where nothing will be charged and where Stripe did not say (`is_charge_known`). `others` are
    further subscriptions that run beside the plan. `is_closed` says that the customer is deleted at Stripe;
    `details` is what Stripe has just said of one that is not.
    """

    has_stripe: bool
    is_live: bool
    known_at: datetime | None
    card: CardSnapshot | None
    subscription: SubscriptionSnapshot | None
    contract: Contract | None
    others: tuple[SubscriptionSnapshot, ...] = ()
    next_charge: PreviewSnapshot | None = None
    is_charge_known: bool = False
    trouble: PaymentTrouble | None = None
    is_closed: bool = False
    details: CustomerSnapshot | None = None

    @property
    def price(self) -> Money | None:
        """What one period costs before tax; None where there is no plan or it depends on usage."""
        plan = self.subscription or self.contract
        return Money(plan.amount_minor, plan.currency) if plan and plan.amount_minor is not None else None

    @property
    def card_expires_at(self) -> datetime | None:
        """The first moment at which the card is no longer good: the month on it counts to its end (UTC)."""
        if self.card is None or not self.card.exp_month or not self.card.exp_year:
            return None
        days = monthrange(self.card.exp_year, self.card.exp_month)[1]
        return datetime(self.card.exp_year, self.card.exp_month, days, tzinfo=UTC) + timedelta(days=1)

    @property
    def has_card_expired(self) -> bool:
        """Whether the card on file can no longer be charged."""
        return self.card_expires_at is not None and self.card_expires_at <= utcnow()

    @property
    def is_card_expiring(self) -> bool:
        """Whether the card is good today and not in 60 days."""
        ends_at = self.card_expires_at
        return ends_at is not None and utcnow() < ends_at <= utcnow() + EXPIRES_SOON


def billing_overview(organization: Organization) -> BillingOverview:
    """Ask Stripe briefly, and no more once it failed; nothing is written. The events that tell of a change write it."""
    known = known_billing(organization)
    customer_id = organization.stripe_customer_id
    if customer_id is None:
        return BillingOverview(False, True, None, None, None, known.contract, is_charge_known=True)
    trouble = known_trouble(organization.id, organization.payment_trouble)
    release_connection()
    customer = _customer_if_answered(customer_id)
    if customer is None:
        kept = BillingOverview(True, False, known.synced_at, known.card, known.subscription, known.contract)
        return replace(kept, trouble=trouble, is_closed=known.is_closed)
    if customer.is_deleted:
        closed = BillingOverview(True, True, known.synced_at, None, None, known.contract)
        return replace(closed, is_charge_known=True, is_closed=True)
    return _from_stripe(customer, known, trouble)


def _from_stripe(customer: CustomerSnapshot, known: Known, trouble: PaymentTrouble | None) -> BillingOverview:
    running = running_plans(customer.subscriptions)
    plan = current_plan(running)
    found = BillingOverview(True, True, known.synced_at, customer.card, plan, known.contract)
    charge, is_known = _next_charge(customer.id, plan)
    return replace(
        found,
        others=tuple(item for item in running if item is not plan),
        next_charge=charge,
        is_charge_known=is_known,
        trouble=live_trouble(customer.subscriptions, trouble),
        details=customer,
    )


def _customer_if_answered(customer_id: str) -> CustomerSnapshot | None:
    try:
        return None if stripe().is_resting else stripe().customer(customer_id, tries=1)
    except (UnavailableError, NotFoundError, StripeRefusedError):
        return None


def _next_charge(customer_id: str, plan: SubscriptionSnapshot | None) -> tuple[PreviewSnapshot | None, bool]:
    """The next charge of the plan, and whether Stripe has said so.

    An unpaid plan is not charged: its invoices stay drafts (docs: subscriptions overview, "unpaid").
    """
    if plan is None or plan.status == PaymentState.UNPAID:
        return None, True
    if stripe().is_resting:
        return None, False
    try:
        return stripe().preview_next(customer_id, plan.id), True
    except (UnavailableError, NotFoundError, StripeRefusedError):
        return None, False
