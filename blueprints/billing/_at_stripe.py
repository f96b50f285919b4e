"""What every form that leads to Stripe shares: its token, the language, and what is said when Stripe is silent."""

from collections.abc import Callable

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._htmx import redirect_to
from portal.actor import Actor
from portal.errors import NotFoundError, PortalError, UnavailableError
from portal.gateways.stripe_api import StripeRefusedError, StripeUnavailableError
from portal.gateways.stripe_objects import PORTAL_LOCALES
from portal.kit.tokens import random_text
from portal.stripe_portal.visits import Click

TOKEN_LENGTH = 22
NOTHING_CHANGED = "Stripe does not answer right now. Nothing was changed. Try again in a few minutes."


def new_token() -> str:
    """For the forms of one page: what is sent twice with the same one is done once."""
    return random_text(TOKEN_LENGTH)


def the_click() -> Click:
    """The token of the form that was sent, a new one where it has none, and the visitor's language if Stripe has it."""
    token = request.form.get("click", "")
    is_token = len(token) == TOKEN_LENGTH and token.isascii() and token.isalnum()
    return Click(token if is_token else new_token(), the_locale())


def the_locale() -> str:
    """The first language of the visitor's that Stripe's portal speaks, else its own choice.

    Werkzeug's own match prefers our order to the visitor's where languages are wanted alike.
    """
    spoken = {name.lower(): name for name in PORTAL_LOCALES}
    for wanted, quality in request.accept_languages:
        parts = wanted.lower().split("-")
        for length in range(len(parts), 0, -1) if quality else ():
            if found := spoken.get("-".join(parts[:length])):
                return found
    return PORTAL_LOCALES[0]


def go_to_stripe(open_page: Callable[[Actor, Click], str], silent: str = NOTHING_CHANGED) -> Response:
    """Over to the page of Stripe's that `open_page` gives, or back to billing with the reason why not."""
    try:
        return redirect_to(open_page(current_actor(), the_click()))
    except (UnavailableError, StripeRefusedError, NotFoundError) as error:
        return back_to_billing(error, silent)


def back_to_billing(error: PortalError, silent: str = NOTHING_CHANGED) -> Response:
    """To the billing page with the reason: `silent` where Stripe did not answer, else the error's own words."""
    is_silent = isinstance(error, StripeUnavailableError | NotFoundError)
    return redirect_to(url_for("billing.overview"), silent if is_silent else error.message, "error")
