"""Plan, card and billing details."""

from datetime import timedelta

from flask import Response, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.billing import billing
from blueprints.billing.forms import DetailsForm
from portal.billing import service
from portal.billing.overview import BillingOverview, billing_overview
from portal.errors import NotFoundError
from portal.gateways.stripe_api import StripeRefusedError, StripeUnavailableError
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.permissions import Permission

WATCH_FOR = timedelta(minutes=2)
"""How long after a visit to Stripe the card's part of the page keeps asking whether something changed."""


@billing.get("")
@requires(Permission.BILLING_READ)
def overview() -> Response:
    """What this organization pays, with what, and what stands on its invoices."""
    return show_billing()


@billing.post("/details")
@requires(Permission.BILLING_MANAGE)
def update_details() -> Response:
    """Change company name and billing mail."""
    form = DetailsForm()
    saved = carry_out(
        form,
        lambda: service.change_details(current_actor(), str(form.name.data), str(form.billing_email.data)),
    )
    if saved is None:
        return show_billing(form, 422)
    return redirect_to(url_for("billing.overview"), "Saved. It applies from the next invoice on.")


@billing.post("/card")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def change_card() -> Response:
    """Over to Stripe's own page for the card; it leads back here."""
    try:
        return redirect_to(service.open_card_page(current_actor()))
    except (StripeUnavailableError, StripeRefusedError, NotFoundError):
        message = "Stripe does not answer right now. Your card is unchanged. Try again in a few minutes."
        return redirect_to(url_for("billing.overview"), message, "error")


@billing.get("/card")
@requires(Permission.BILLING_READ)
def card_status() -> Response:
    """The card's part of the page, asked for again and again after a visit to Stripe."""
    if not is_fragment_request():
        return redirect_to(url_for("billing.overview"))
    organization = organization_by_id(current_actor().organization)
    found = billing_overview(organization)
    return fragment("billing/_card.html", overview=found, watching=is_watching(organization, found))


def show_billing(form: DetailsForm | None = None, status: int = 200) -> Response:
    """The billing page around its form."""
    organization = organization_by_id(current_actor().organization)
    form = form or DetailsForm(
        formdata=None, name=organization.name, billing_email=organization.billing_email
    )
    found: BillingOverview = billing_overview(organization)
    return page(
        "billing/overview.html", status, form=form, overview=found, watching=is_watching(organization, found)
    )


def is_watching(organization: Organization, found: BillingOverview) -> bool:
    """Whether somebody was at Stripe a moment ago and Stripe does not answer: the change comes with its event."""
    visited_at = organization.stripe_visited_at
    return not found.is_live and visited_at is not None and utcnow() - visited_at < WATCH_FOR
