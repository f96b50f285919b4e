"""Who asks: the signed-in user of this request, in the organization they are looking at."""

from flask import Request, current_app, g, request
from flask_login import UserMixin, current_user

from blueprints._session_sources import SessionSource
from portal.actor import Actor, ActorKind, Origin
from portal.errors import ForbiddenError
from portal.extensions import login
from portal.identity.sessions import SignedIn

LONGEST_AGENT = 300


def session_source() -> SessionSource:
    """The session source this application was built with."""
    source: SessionSource = current_app.extensions["session_source"]
    return source


class SignedInUser(UserMixin):  # type: ignore[misc]
    """What Flask-Login keeps for the length of a request."""

    def __init__(self, session: SignedIn) -> None:
        self.id = session.user_id
        self.session = session


@login.request_loader  # type: ignore[untyped-decorator]
def load_user(incoming: Request) -> SignedInUser | None:
    """Flask-Login asks this once a request; the session source answers."""
    session = session_source().load(incoming)
    return SignedInUser(session) if session else None


def signed_in() -> SignedIn | None:
    """Who is signed in; None for a visitor. Asked many times by one page, so kept for its length."""
    if "signed_in" not in g:
        g.signed_in = current_user.session if current_user.is_authenticated else None
    found: SignedIn | None = g.signed_in
    return found


def require_signed_in() -> SignedIn:
    """Who is signed in. Only for views whose guard has made sure of it."""
    found = signed_in()
    if found is None:
        raise ForbiddenError("Sign in first.")
    return found


def current_actor() -> Actor:
    """The actor of this request; the guard has made sure that somebody is signed in."""
    session = require_signed_in()
    return Actor(
        kind=ActorKind.STAFF if session.staff_role and session.organization_id is None else ActorKind.USER,
        id=session.user_id,
        name=session.name,
        organization_id=session.organization_id,
        role=session.role,
        email=session.email,
        staff_role=session.staff_role,
        origin=origin(),
    )


def origin() -> Origin:
    """Where this request came from, for the audit log. `remote_addr` honours only the configured proxies."""
    return Origin(request.remote_addr, request.user_agent.string[:LONGEST_AGENT] or None, g.get("request_id"))
