"""The card, Stripe's own billing pages, and the way to a payment that did not go through."""

from flask import Response, url_for

from blueprints._actor import current_actor
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.billing import billing
from blueprints.billing._at_stripe import back_to_billing, go_to_stripe
from blueprints.billing.screen import overview_context
from portal.billing.payment_trouble import pay_address
from portal.errors import NotFoundError, UnavailableError
from portal.gateways.stripe_api import StripeRefusedError
from portal.identity.queries import organization_by_id
from portal.permissions import Permission
from portal.stripe_portal.visits import open_card_page, open_home_page

CARD_UNCHANGED = "Stripe does not answer right now. Your card is unchanged. Try again in a few minutes."


@billing.post("/card")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def change_card() -> Response:
    """Over to Stripe's own page for the card; it leads back here."""
    return go_to_stripe(open_card_page, CARD_UNCHANGED)


@billing.get("/card")
@requires(Permission.BILLING_READ)
def card_status() -> Response:
    """The card's part of the page, asked for again and again after a visit to Stripe."""
    if not is_fragment_request():
        return redirect_to(url_for("billing.overview"))
    organization = organization_by_id(current_actor().organization)
    return fragment("billing/_card.html", **overview_context(organization))


@billing.post("/home")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def open_home() -> Response:
    """Over to Stripe's start page for this customer."""
    return go_to_stripe(open_home_page)


@billing.get("/pay")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def pay() -> Response:
    """Over to Stripe's page of the invoice that waits for its money. Its long address stands in none of our pages."""
    try:
        address = pay_address(current_actor())
    except (UnavailableError, StripeRefusedError, NotFoundError) as error:
        return back_to_billing(error, "Stripe does not answer right now. Try again in a few minutes.")
    if address is None:
        return redirect_to(url_for("billing.overview"), "There is nothing to pay right now.", "info")
    return redirect_to(address)
