"""What tests of signing in share: a browser, and people with a second factor."""

from typing import Any

from sqlalchemy import select

from portal.actor import Actor, Origin
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import User
from portal.identity.second_factor import TurnedOn, new_setup, open_setup, turn_on
from portal.identity.service import actor_for
from portal.identity.sessions import SignedIn, find_session, start_session
from portal.identity.signing_in import Browser
from portal.kit.tokens import digest
from portal.notifications.models import OutboxMessage
from tests.support.totp import code_now

OWNER = "owner@acme.example"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
ORIGIN = Origin("203.0.113.9", AGENT, "req-1")
DEVICE = "the-device-token-of-this-very-browser-00000"
BROWSER = Browser(ORIGIN, DEVICE)


def user_of(email: str = OWNER) -> User:
    """The user, as the database has them now."""
    return db.session.scalars(select(User).where(User.email == email)).one()


def actor(email: str = OWNER) -> Actor:
    """The actor of this person's own requests."""
    return actor_for(user_of(email), ORIGIN)


def session_of(token: str) -> SignedIn:
    """The session behind a token, which must be good."""
    found = find_session(token)
    assert found is not None
    return found


def started(email: str = OWNER) -> str:
    """The token of a new session, committed."""
    token = start_session(user_of(email), ORIGIN)
    db.session.commit()
    return token


def switch_on(email: str = OWNER) -> tuple[str, TurnedOn]:
    """Set a second factor up as its person would; the app's secret, and what was given back. Committed.

    The code of the present step is used up by it.
    """
    user, token = user_of(email), started(email)
    setup = new_setup(user.id, user.email, "Skylark")
    opened = open_setup(user.id, user.email, "Skylark", setup.sealed)
    assert opened == setup
    made = turn_on(actor(email), user, digest(token), setup, code_now(setup.key))
    db.session.commit()
    return setup.key, made


def entries(*actions: str) -> list[AuditEntry]:
    """Audit rows of these actions, oldest first."""
    statement = select(AuditEntry).where(AuditEntry.action.in_(actions)).order_by(AuditEntry.id)
    return list(db.session.scalars(statement))


def told(topic: str) -> list[dict[str, Any]]:
    """What was announced under this topic, oldest first."""
    statement = select(OutboxMessage).where(OutboxMessage.topic == topic).order_by(OutboxMessage.id)
    return [row.payload for row in db.session.scalars(statement)]
