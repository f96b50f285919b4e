"""Who calls as the product itself: with one of `SERVICE_TOKENS` as a bearer token (RFC 6750)."""

from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus

from flask import request

from portal.actor import Actor, ActorKind
from portal.context import current_settings
from portal.errors import PortalError


class ServiceTokenError(PortalError):
    """There is no service token with the request, or none of ours."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("A service token is needed.")


def product_actor() -> Actor:
    """The product, for what it does in a person's name. Raises `ServiceTokenError`."""
    if not has_service_token():
        raise ServiceTokenError
    return Actor(ActorKind.SYSTEM, None, current_settings().product_name)


def has_service_token() -> bool:
    """Every token is compared, each in constant time, so that the time tells nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    found = sha256(given.strip().encode()).digest()
    matches = [
        compare_digest(sha256(token.get_secret_value().encode()).digest(), found)
        for token in current_settings().service_tokens
    ]
    return scheme.lower() == "bearer" and any(matches)
