"""Screens that are switched off: for every route of theirs, whatever is sent to it, this one refusal."""

import logging

from flask import Response, request

from blueprints._htmx import is_fragment_request, page, refusal_fragment
from portal.context import current_settings
from portal.identity.sessions import SignedIn
from portal.scope.offer import what_it_does
from portal.scope.screens import screen_of

log = logging.getLogger("portal.requests")
STATUS = 403  # not 404: the address is right, and people are told what to do meanwhile


def refuse_closed(session: SignedIn) -> Response | None:
    """The answer of a screen that is not open to the organization looked at; None where it is, or for other routes.

    Costs no query: what is closed came with the session.
    """
    screen = screen_of(str(request.endpoint)) if session.closed_screens else None
    if screen is None or not screen.can_be_closed or screen.name not in session.closed_screens:
        return None
    log.warning("screen is closed", extra={"status": STATUS, "screen": screen.name})
    if is_fragment_request():
        message = (
            f"{screen.label} is closed to {session.organization_name} at the moment. Support does it for you."
        )
        return refusal_fragment(STATUS, message)
    email = current_settings().support_email
    return page("errors/closed.html", STATUS, screen=screen, does=what_it_does(screen), support_email=email)
