"""Where a visitor's session comes from. One seam: each source turns a request into who is signed in.

`SESSION_SOURCE` chooses. Today there is one; the product's own session (cookie, JWT, header) plugs in here.
"""

from collections.abc import Callable
from typing import Protocol

from flask import Request, url_for

from portal.config import Settings
from portal.identity.sessions import SignedIn, find_session

LONGEST_TOKEN = 200


class SessionSource(Protocol):
    """What the guards need to know of a session source."""

    has_sign_in_form: bool

    def load(self, request: Request) -> SignedIn | None:
        """Who sent this request; None for a visitor."""

    def sign_in_url(self, next_path: str) -> str:
        """Where a visitor is sent, to come back to `next_path`."""


class PortalSessions:
    """`SESSION_SOURCE=portal`: this app is the product's sign-in, with sessions in our database."""

    has_sign_in_form = True

    def __init__(self, settings: Settings) -> None:
        self.cookie_name = session_cookie_name(settings)

    def load(self, request: Request) -> SignedIn | None:
        """The session of the token in the cookie."""
        token = request.cookies.get(self.cookie_name, "")
        return find_session(token) if token and len(token) <= LONGEST_TOKEN else None

    def sign_in_url(self, next_path: str) -> str:
        """Our own sign-in page."""
        return url_for("auth.sign_in", next=next_path)


SOURCES: dict[str, Callable[[Settings], SessionSource]] = {"portal": PortalSessions}


def session_cookie_name(settings: Settings) -> str:
    """`__Host-` cookies exist only over TLS (RFC 6265bis); without it, on this machine, the plain name is used."""
    return cookie_name(settings, "portal_session")


def cookie_name(settings: Settings, name: str) -> str:
    """The name of one of our cookies, host-bound wherever the portal is reached over TLS."""
    return f"__Host-{name}" if settings.is_https else name
