"""The product asks which note to show somebody, and says that they do not want to see it again."""

from flask import Response, jsonify, make_response, request, url_for

from blueprints._errors import answer_portal_error
from blueprints._guards import public
from blueprints._limits import limiter
from blueprints._service_tokens import ServiceTokenError, product_actor
from blueprints.api import api
from blueprints.nudges._note import showing
from portal.context import current_settings
from portal.errors import InvalidInputError
from portal.extensions import csrf
from portal.nudges.queries import note_for, person_of
from portal.nudges.service import dismiss

DISMISSALS = "1200 per minute"
"""A product sends for all its people from few addresses."""


@api.errorhandler(ServiceTokenError)
def answer_service_token(error: ServiceTokenError) -> Response:
    """401 names how one proves oneself (RFC 9110, 15.5.2)."""
    response = answer_portal_error(error)
    response.headers["WWW-Authenticate"] = 'Bearer realm="product"'
    return response


@api.get("/nudge")
@public
def nudge() -> Response:
    """The note for `user` (our id) or `email`: plain text and addresses, or 204 where there is none to show.

    To have asked counts as having shown it.
    """
    product_actor()
    user_id, email = request.args.get("user", ""), request.args.get("email", "")
    if bool(user_id) == bool(email):
        raise InvalidInputError("Name one person, by user or by email.", field="user")
    person = person_of(user_id, email)
    note = note_for(person) if person else None
    if note is None:
        return make_response("", 204)
    dismiss_path = url_for("api.dismiss_nudge", nudge_id=note.id)
    dismiss_url = current_settings().public_app_url + dismiss_path
    answer = jsonify(title=note.title, text=note.text, url=note.url, dismiss_url=dismiss_url)
    return showing(note, answer)


@api.post("/nudge/<nudge_id>/dismiss")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit(DISMISSALS)
@public
def dismiss_nudge(nudge_id: str) -> Response:
    """The note is not shown again, here or in the product; 204, also where it was away already."""
    dismiss(product_actor(), nudge_id)
    return make_response("", 204)
