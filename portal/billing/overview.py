"""What the billing screen opens with: Stripe's present truth where it answers, else what we last knew."""

from dataclasses import dataclass
from datetime import datetime

from portal.billing.models import Contract
from portal.billing.queries import ENDED, Known, known_billing
from portal.context import stripe
from portal.errors import NotFoundError, UnavailableError
from portal.extensions import release_connection
from portal.gateways.stripe_api import StripeRefusedError
from portal.gateways.stripe_objects import CardSnapshot, CustomerSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.kit.money import Money


@dataclass(frozen=True, slots=True)
class BillingOverview:
    """How an organization pays. `is_live` says that Stripe has just confirmed it."""

    has_stripe: bool
    is_live: bool
    known_at: datetime | None
    card: CardSnapshot | None
    subscription: SubscriptionSnapshot | None
    contract: Contract | None

    @property
    def price(self) -> Money | None:
        """What one period costs before tax; None where there is no plan or it depends on usage."""
        plan = self.subscription or self.contract
        return Money(plan.amount_minor, plan.currency) if plan and plan.amount_minor is not None else None


def billing_overview(organization: Organization) -> BillingOverview:
    """Ask Stripe once, briefly; nothing is written. The events that tell of a change write it."""
    known = known_billing(organization)
    customer_id = organization.stripe_customer_id
    if customer_id is None:
        return BillingOverview(False, True, None, None, None, known.contract)
    release_connection()
    try:
        customer = None if stripe().is_resting else stripe().customer(customer_id, tries=1)
    except (UnavailableError, NotFoundError, StripeRefusedError):
        customer = None
    if customer is None:
        return BillingOverview(True, False, known.synced_at, known.card, known.subscription, known.contract)
    return _from_stripe(customer, known)


def _from_stripe(customer: CustomerSnapshot, known: Known) -> BillingOverview:
    running = [item for item in customer.subscriptions if item.status not in ENDED]
    newest = max(running, key=lambda item: item.created_at, default=None)
    return BillingOverview(True, True, known.synced_at, customer.card, newest, known.contract)
