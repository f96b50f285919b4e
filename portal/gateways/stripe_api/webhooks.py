"""Whether a webhook body comes from Stripe (docs.stripe.com/webhooks, "Verify webhook signatures manually")."""

import hmac
import time
from dataclasses import dataclass
from hashlib import sha256

from portal.config import Settings
from portal.gateways.stripe_api.errors import BadSignatureError

SIGNATURE_TOLERANCE_SECONDS = 300
HINT_LENGTH = 8


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """A body that Stripe signed. `secret_hint` is the start of the SHA-256 of the secret that fitted."""

    text: str
    secret_hint: str


class Signatures:
    """The webhook secrets, of which several are good while one replaces the other."""

    def __init__(self, settings: Settings) -> None:
        secrets = [secret.get_secret_value().encode() for secret in settings.stripe_webhook_secrets]
        self._secrets = [(secret, secret_hint(secret)) for secret in secrets]

    def verify_event(self, payload: bytes, signature: str) -> VerifiedEvent:
        """The body as text, if one of the webhook secrets signed it within 300 s, before or ahead.

        Raises `BadSignatureError`.
        """
        signed_at, macs = _parts(signature)
        if signed_at is None or abs(time.time() - int(signed_at)) > SIGNATURE_TOLERANCE_SECONDS:
            raise BadSignatureError("The signature is not from within the last five minutes.")
        signed = signed_at.encode() + b"." + payload
        for secret, hint in self._secrets:
            expected = hmac.digest(secret, signed, "sha256").hex().encode()
            if any(hmac.compare_digest(expected, mac) for mac in macs):
                return VerifiedEvent(_text(payload), hint)
        raise BadSignatureError("The signature does not fit the body.")


def secret_hint(secret: bytes) -> str:
    """What may be stored to recognize a secret by."""
    return sha256(secret).hexdigest()[:HINT_LENGTH]


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeError:
        raise BadSignatureError("The body is not UTF-8 text.") from None


def _parts(signature: str) -> tuple[str | None, list[bytes]]:
    """The time and the signatures of scheme v1; no time where there is none, or more than one to choose from."""
    parts = [part.strip().partition("=") for part in signature.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    is_plain = len(times) == 1 and times[0].isascii() and times[0].isdigit() and len(times[0]) < 16
    return times[0] if is_plain else None, [
        value.encode(errors="replace") for name, _, value in parts if name == "v1"
    ]
