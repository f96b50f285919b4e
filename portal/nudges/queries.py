"""The note that somebody is to see now."""

from dataclasses import dataclass

from portal import links
from portal.extensions import db
from portal.identity.models import User
from portal.identity.queries import user_by_email
from portal.kit.clock import utcnow
from portal.nudges.choosing import standing
from portal.nudges.words import words_of
from portal.scope.screens import SCREENS_BY_NAME


@dataclass(frozen=True, slots=True)
class Note:
    """What the product shows: plain text, and the address of the screen. `is_new`: it was shown to nobody so far."""

    id: str
    title: str
    text: str
    url: str
    screen_label: str
    is_new: bool


def note_for(user_id: str, organization_id: str | None = None) -> Note | None:
    """The note about what a person wrote last, while it holds: not used since, not dismissed, not unsubscribed.

    With `organization_id` only what they can do there, since its screens are what their links open.
    """
    nudge = next(standing(user_id, utcnow(), organization_id), None)
    if nudge is None:
        return None
    words, screen = words_of(nudge.reason, nudge.screen), SCREENS_BY_NAME[nudge.screen]
    url = links.screen(screen.name)
    return Note(nudge.id, words.title, words.text, url, screen.label, nudge.shown_at is None)


def person_of(user_id: str, email: str) -> str | None:
    """The id of the customer whom the product means, by our id or their address; None where there is none."""
    user = db.session.get(User, user_id) if user_id else user_by_email(email)
    return user.id if user and user.staff_role is None else None
