"""The frame that the product puts into its pages, and the way to take the note away."""

from flask import Response, make_response, request

from blueprints._actor import current_actor
from blueprints._guards import public, signed_in_only
from blueprints._htmx import is_fragment_request, page, redirect_to, with_vary
from blueprints._safe_next import safe_next
from blueprints.nudges import nudges
from blueprints.nudges._note import current_note, showing
from portal.nudges.service import dismiss


@nudges.get("/frame")
@public
def frame() -> Response:
    """The note alone, for an iframe; 204, which leaves a frame blank, for who has none."""
    note = current_note()
    if note is None:
        empty = make_response("", 204)
        del empty.headers["Content-Type"]
        return empty
    return showing(note, page("nudges/frame.html", note=note))


@nudges.post("/<nudge_id>/dismiss")
@signed_in_only
def dismiss_note(nudge_id: str) -> Response:
    """Never show this note to me again. A frame gets a page: an empty answer would not replace it."""
    dismiss(current_actor(), nudge_id)
    if is_fragment_request():
        return with_vary(make_response("", 200))
    if request.form.get("in") == "frame":
        return page("nudges/frame.html", note=None)
    return redirect_to(safe_next(request.form.get("next")), "The note is not shown again.")
