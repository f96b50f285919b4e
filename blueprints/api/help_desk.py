"""The sidebars of the support team's help desk: who asks is proved first, then the ticket's requester is shown."""

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, make_response, render_template, request

from blueprints._actor import origin
from blueprints._errors import answer_portal_error
from blueprints._guards import public
from blueprints._limits import limiter
from blueprints.api import api
from blueprints.api._canvas import canvas
from portal.context import current_settings
from portal.extensions import csrf
from portal.help_desk.service import open_ticket
from portal.help_desk.sidebar import Sidebar, sidebar_of
from portal.help_desk.signatures import (
    BadSignatureError,
    verify_helpscout,
    verify_intercom,
    verify_zendesk,
)
from portal.help_desk.tickets import Ticket, helpscout_ticket, intercom_ticket, zendesk_ticket
from portal.kit.clock import utcnow

SIDEBARS = "300 per minute"
"""A whole support team comes from the few addresses of its help desk."""


@api.errorhandler(BadSignatureError)
def answer_bad_signature(error: BadSignatureError) -> Response:
    """401 names how one proves oneself (RFC 9110, 15.5.2)."""
    response = answer_portal_error(error)
    response.headers["WWW-Authenticate"] = 'Bearer realm="help desk"'
    return response


@api.post("/help-desk/zendesk")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit(SIDEBARS)
@public
def zendesk() -> Response:
    """For our app in Zendesk's ticket sidebar. Signed is the token; what it asks for stands in it, not in the body."""
    secret = current_settings().zendesk_shared_secret
    claims = verify_zendesk(request.headers.get("Authorization", ""), secret, utcnow())
    shown = _open(zendesk_ticket(claims))
    return jsonify({**asdict(shown), "html": render_template("help_desk/zendesk.html", sidebar=shown)})


@api.post("/help-desk/intercom/initialize")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit(SIDEBARS)
@public
def intercom_initialize() -> Response:
    """Canvas Kit: a teammate opens a conversation."""
    return _intercom()


@api.post("/help-desk/intercom/submit")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit(SIDEBARS)
@public
def intercom_submit() -> Response:
    """Canvas Kit: a teammate presses the one button that asks again."""
    return _intercom()


@api.post("/help-desk/helpscout")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit(SIDEBARS)
@public
def helpscout() -> Response:
    """A dynamic app beside a conversation."""
    body = request.get_data(cache=False)
    given = request.headers.get("X-HelpScout-Signature", "")
    verify_helpscout(body, given, current_settings().helpscout_secret)
    shown = _open(helpscout_ticket(body))
    return jsonify({"html": render_template("help_desk/helpscout.html", sidebar=shown)})


def _intercom() -> Response:
    body = request.get_data(cache=False)
    given = request.headers.get("X-Body-Signature", "")
    verify_intercom(body, given, current_settings().intercom_client_secret)
    answer: dict[str, Any] = canvas(_open(intercom_ticket(body)))
    return make_response(answer)


def _open(ticket: Ticket) -> Sidebar:
    return sidebar_of(open_ticket(ticket, origin()), utcnow())
