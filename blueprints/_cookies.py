"""The cookies that signing in hands out: HttpOnly, Lax, for this host only, Secure wherever there is TLS."""

from flask import Response, request

from blueprints._session_sources import LONGEST_TOKEN, cookie_name, session_cookie_name
from portal.context import current_settings
from portal.identity.devices import KNOWN_FOR
from portal.identity.sessions import CUSTOMER_LIFETIME
from portal.kit.tokens import new_secret

DEVICE_COOKIE = "portal_device"
SHORTEST_DEVICE_TOKEN = 40


def set_session_cookie(response: Response, token: str) -> None:
    """Hand the session's token to the browser."""
    _set(response, session_cookie_name(current_settings()), token, int(CUSTOMER_LIFETIME.total_seconds()))


def drop_session_cookie(response: Response) -> None:
    """The browser forgets it."""
    response.delete_cookie(
        session_cookie_name(current_settings()),
        secure=current_settings().is_https,
        httponly=True,
        samesite="Lax",
    )


def device_token() -> str:
    """What this browser is recognised by from one sign-in to the next; a new one where it has none."""
    token = request.cookies.get(cookie_name(current_settings(), DEVICE_COOKIE), "")
    return token if SHORTEST_DEVICE_TOKEN <= len(token) <= LONGEST_TOKEN else new_secret()


def set_device_cookie(response: Response, token: str) -> None:
    """Keep it for as long as browsers do."""
    name = cookie_name(current_settings(), DEVICE_COOKIE)
    _set(response, name, token, int(KNOWN_FOR.total_seconds()))


def _set(response: Response, name: str, token: str, seconds: int) -> None:
    is_https = current_settings().is_https
    response.set_cookie(name, token, max_age=seconds, secure=is_https, httponly=True, samesite="Lax")
