"""Switching off a kind of mail by the link in its foot, by a person or by their mail provider (RFC 8058)."""

from flask import Response, url_for

from blueprints._actor import origin
from blueprints._guards import public
from blueprints._htmx import page
from blueprints._limits import limiter
from blueprints.notifications import notifications
from portal.extensions import csrf
from portal.notifications import unsubscribing
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.models import Audience
from portal.notifications.unsubscribing import Unsubscription

UNSUBSCRIBES = "120 per minute"
"""A mail provider sends for many people from few addresses."""


@notifications.get("/notifications/unsubscribe/<unsubscribe_token>")
@public
def confirm_unsubscribe(unsubscribe_token: str) -> Response:
    """What the link switches off, or that it is off. Opening it changes nothing: scanners of mails open links."""
    found = unsubscribing.read_unsubscribe_token(unsubscribe_token)
    return show(found, is_done=unsubscribing.are_off(found))


@notifications.post("/notifications/unsubscribe/<unsubscribe_token>")
@csrf.exempt  # type: ignore[untyped-decorator]  # the token in the address is the proof; providers know no other
@limiter.limit(UNSUBSCRIBES)
@public
def unsubscribe(unsubscribe_token: str) -> Response:
    """Switch it off. Answers with a page, since RFC 8058 allows no redirect."""
    found = unsubscribing.unsubscribe(unsubscribe_token, origin())
    return show(found, is_done=True)


def show(found: Unsubscription, *, is_done: bool) -> Response:
    """The page before or after."""
    is_staff = found.audience is Audience.STAFF
    return page(
        "notifications/unsubscribe.html",
        found=found,
        labels=[CATALOGUE[event].label for event in CATALOGUE if event in found.events],
        settings_url=url_for("admin.notifications" if is_staff else "notifications.inbox"),
        is_done=is_done,
    )
