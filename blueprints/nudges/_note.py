"""The note for who is signed in, and that it was shown."""

from functools import partial

from flask import Response, request

from blueprints._actor import signed_in
from portal.extensions import db
from portal.nudges.queries import Note, note_for
from portal.nudges.service import note_shown


def current_note() -> Note | None:
    """The note to show now, in the organization looked at; None for visitors, and for staff in a view."""
    session = signed_in()
    if session is None or session.view is not None or session.organization_id is None:
        return None
    return note_for(session.user_id, session.organization_id)


def showing(note: Note | None, response: Response) -> Response:
    """The same answer; once it is out it is written when its note was first shown."""
    if note and note.is_new and request.method == "GET":
        response.call_on_close(partial(note_shown, db.engine, note.id))
    return response
