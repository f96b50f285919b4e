"""Whether a help desk has sent this. Each product signs in its own way; nothing is looked up before that is known."""

import base64
import hmac
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import jwt
from pydantic import SecretStr

from portal.errors import NotFoundError, PortalError, TooManyAttemptsError
from portal.identity.throttle import Limit, count_attempt

LONGEST_LIFE = timedelta(minutes=5)
CLOCK_DIFFERENCE = timedelta(seconds=30)
LONGEST_TOKEN_ID = 200
TOKEN_USE = Limit("help-desk:token", 1, LONGEST_LIFE + 2 * CLOCK_DIFFERENCE)


class BadSignatureError(PortalError):
    """Whoever asks has not proved to be the help desk. Does not say what is wrong with the signature."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("This is not signed by the help desk.")


def verify_intercom(body: bytes, signature: str, secret: SecretStr | None) -> None:
    """Intercom's `X-Body-Signature`: hex HMAC-SHA256 of the body with the app's client secret.

    Raises `NotFoundError` where Intercom is not connected, and `BadSignatureError`.
    """
    _compare(signature, hmac.digest(_key(secret), body, "sha256").hex())


def verify_helpscout(body: bytes, signature: str, secret: SecretStr | None) -> None:
    """Help Scout's `X-HelpScout-Signature`: base64 HMAC-SHA1 of the body with the app's secret key.

    Raises `NotFoundError` where Help Scout is not connected, and `BadSignatureError`.
    """
    _compare(signature, base64.b64encode(hmac.digest(_key(secret), body, "sha1")).decode())


def verify_zendesk(authorization: str, secret: SecretStr | None, now: datetime) -> dict[str, Any]:
    """The claims of the bearer token (JWT, HS256) that Zendesk's proxy made with our app's secure setting.

    It ends at most 5 minutes after it was made and opens one answer only: its `jti` is used up, in a transaction of
    its own, so call this before the request's has begun. Raises `NotFoundError` where Zendesk is not connected, and
    `BadSignatureError`.
    """
    key = _key(secret)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise BadSignatureError
    try:
        claims: dict[str, Any] = jwt.decode(
            token.strip(),
            key,
            algorithms=["HS256"],
            options={"require": ["exp", "jti"]},
            leeway=CLOCK_DIFFERENCE,
        )
    except jwt.InvalidTokenError:
        raise BadSignatureError from None
    _check_age(claims, now)
    _use_up(claims["jti"])
    return claims


def _check_age(claims: dict[str, Any], now: datetime) -> None:
    """`exp` is required and bounds the life from the end; `iat`, where it is given, from the beginning."""
    present, longest = now.timestamp(), (LONGEST_LIFE + CLOCK_DIFFERENCE).total_seconds()
    is_long_lived = float(claims["exp"]) > present + longest
    is_old = "iat" in claims and float(claims["iat"]) < present - longest
    if is_long_lived or is_old:
        raise BadSignatureError


def _use_up(token_id: Any) -> None:
    if not isinstance(token_id, str) or not 0 < len(token_id) <= LONGEST_TOKEN_ID:
        raise BadSignatureError
    try:
        count_attempt(TOKEN_USE, token_id)
    except TooManyAttemptsError:
        raise BadSignatureError from None


def _key(secret: SecretStr | None) -> bytes:
    """An empty secret would be one that everybody knows."""
    key = secret.get_secret_value().encode() if secret else b""
    if not key:
        raise NotFoundError
    return key


def _compare(given: str, right: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode()):
        raise BadSignatureError
