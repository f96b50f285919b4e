"""Who asks: the signed-in user of this request, in the organization they are looking at."""

from dataclasses import replace

from flask import Request, current_app, g, request
from flask_login import UserMixin, current_user

from blueprints._session_sources import SessionSource
from portal.actor import Actor, ActorKind, Origin
from portal.errors import ForbiddenError
from portal.extensions import login
from portal.identity.sessions import SignedIn
from portal.support.views import end_view, in_view, outside_view

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
    if session is not None and session.staff_role is not None:
        session = in_view(session)
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
    is_staff = session.staff_role is not None and (
        session.organization_id is None or session.view is not None
    )
    return Actor(
        kind=ActorKind.STAFF if is_staff else ActorKind.USER,
        id=session.user_id,
        name=session.name,
        organization_id=session.organization_id,
        role=session.role,
        email=session.email,
        staff_role=session.staff_role,
        origin=origin(),
    )


def staff_actor(organization_id: str | None) -> Actor:
    """The actor of a staff page, acting in a customer's organization or, for None, on what belongs to no customer.

    As staff, also where they are a member: what they do for others must not stand in their own organization's log.
    """
    return replace(current_actor().within(organization_id), kind=ActorKind.STAFF)


def leave_view() -> None:
    """End the view of a customer if there is one: what this request does from here on is the person's own doing."""
    session = require_signed_in()
    if session.view is not None:
        end_view(current_actor())
        g.signed_in = outside_view(session)


def origin() -> Origin:
    """Where this request came from, for the audit log. `remote_addr` honours only the configured proxies."""
    return Origin(request.remote_addr, request.user_agent.string[:LONGEST_AGENT] or None, g.get("request_id"))
