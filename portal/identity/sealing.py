"""Small secrets that the database must hold and give back: AES-256-GCM under a key derived from `SECRET_KEY`."""

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.context import current_settings

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: what GCM is made for
LABEL = b"portal sealed secret 1"


class UnreadableError(Exception):
    """The sealed text was made under another key, for something else, or was changed."""


def seal(text: str, about: str) -> str:
    """`text` encrypted. It opens only for the same `about`, so that it cannot be moved to another row."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + _cipher().encrypt(nonce, text.encode(), about.encode())
    return base64.urlsafe_b64encode(sealed).decode()


def unseal(sealed: str, about: str) -> str:
    """What was sealed. Raises `UnreadableError`."""
    try:
        raw = base64.urlsafe_b64decode(sealed.encode("ascii"))
        return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise UnreadableError(about) from error


def _cipher() -> AESGCM:
    secret = current_settings().secret_key.get_secret_value().encode()
    return AESGCM(hmac.digest(secret, LABEL, "sha256"))
