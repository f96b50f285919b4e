"""Notes who uses which screen, once the answer is out."""

from functools import partial

from flask import Response, g, request

from blueprints._actor import signed_in
from blueprints._headers import SAFE_METHODS
from portal.deflection.visits import Visit, note_visit
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.scope import screen_of

NOBODY_LOOKS = {"notifications.bell"}
"""What pages ask for by themselves."""


def note_screen(response: Response) -> Response:
    """After a request: customers who were shown a screen, or changed something there, have used it.

    Staff in a view of a customer have not, nor a browser that fetches ahead.
    """
    session = signed_in() if "signed_in" in g else None
    screen = screen_of(request.endpoint or "")
    is_shown = response.status_code == 200 if request.method in SAFE_METHODS else response.status_code < 400
    if (
        screen is None
        or session is None
        or session.organization_id is None
        or session.view is not None
        or not is_shown
        or request.endpoint in NOBODY_LOOKS
        or "prefetch" in request.headers.get("Sec-Purpose", "")
    ):
        return response
    visit = Visit(session.user_id, session.organization_id, screen.name)
    response.call_on_close(partial(note_visit, db.engine, visit, utcnow()))
    return response
