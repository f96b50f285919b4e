"""The page of the help screen."""

from flask import Response

from blueprints._actor import require_signed_in
from blueprints._guards import signed_in_only
from blueprints._htmx import page
from blueprints.help import help_screen
from portal.context import current_settings
from portal.scope.offer import offer_to


@help_screen.get("/account/help")
@signed_in_only
def overview() -> Response:
    """The scope as this person meets it."""
    session = require_signed_in()
    return page(
        "help/overview.html",
        offer=offer_to(session.role, session.closed_screens),
        support_email=current_settings().support_email,
    )
