"""Stopping a recovery without signing in: the link in the mail is the proof."""

from flask import Response

from blueprints._actor import origin
from blueprints._guards import public
from blueprints._htmx import page
from blueprints.recovery import recovery
from portal.support.recoveries import cancel_by_link, find_recovery


@recovery.get("/<cancel_token>")
@public
def show(cancel_token: str) -> Response:
    """What is about to happen, and the button that stops it. Opening the link changes nothing."""
    return page("recovery/show.html", cancel_token=cancel_token, recovery=find_recovery(cancel_token))


@recovery.post("/<cancel_token>")
@public
def cancel(cancel_token: str) -> Response:
    """Stop it. The page is the answer itself, for the link is not good any more."""
    return page("recovery/stopped.html", recovery=cancel_by_link(cancel_token, origin()))
