"""The billing screen: plan, next charge, card, whether anything is wrong, and what stands on the invoices."""

from datetime import timedelta
from typing import Any

from flask import Response, request

from blueprints._actor import current_actor
from blueprints._guards import requires
from blueprints._htmx import page
from blueprints.billing import billing
from blueprints.billing._at_stripe import new_token
from portal.billing.overview import BillingOverview, billing_overview
from portal.company.live import before_asking, live_details
from portal.contracts.file import contract_file
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.permissions import Permission
from portal.stripe_portal.queries import allowed_features

WATCH_FOR = timedelta(minutes=2)
"""How long after a visit to Stripe the card's part of the page keeps asking whether something changed."""
VISIT_TAKES = timedelta(minutes=10)
"""How long after a visit was opened its way back is told of. Whoever writes a card takes minutes."""


@billing.get("")
@requires(Permission.BILLING_READ)
def overview() -> Response:
    """What this organization pays, with what, and what stands on its invoices."""
    organization = organization_by_id(current_actor().organization)
    before = before_asking(organization)
    context = overview_context(organization)  # first: asking Stripe lets go of what was read
    return page(
        "billing/overview.html",
        contract_file=contract_file(organization.id),
        details=live_details(organization, context["overview"].details, before),
        offered=allowed_features(organization),
        is_back=is_back(organization),
        now=utcnow(),
        **context,
    )


def overview_context(organization: Organization) -> dict[str, Any]:
    """What Stripe says, for the page and its parts. It takes the place of what the banner says on other pages."""
    found = billing_overview(organization)
    can_act = current_actor().can(Permission.BILLING_MANAGE)
    return {
        "overview": found,
        "watching": is_watching(organization, found),
        "click": new_token(),
        "payment_trouble": lambda: found.trouble if can_act else None,
    }


def is_back(organization: Organization) -> bool:
    """Whether this page was reached from Stripe after a visit of a moment ago, and not from a kept address."""
    visited_at = organization.stripe_visited_at
    is_recent = visited_at is not None and utcnow() - visited_at < VISIT_TAKES
    return request.args.get("from") == "stripe" and is_recent


def is_watching(organization: Organization, found: BillingOverview) -> bool:
    """Whether somebody was at Stripe a moment ago and Stripe does not answer: the change comes with its event."""
    visited_at = organization.stripe_visited_at
    return not found.is_live and visited_at is not None and utcnow() - visited_at < WATCH_FOR
