"""Codes of authenticator apps: RFC 6238 with SHA-1, 30 seconds and 6 digits, which every app can do."""

import base64
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP_SECONDS = 30
DIGITS = 6
DRIFT_STEPS = 1  # a clock may be off by this much, each way (RFC 6238, 5.2)
KEY_BYTES = 20  # 160 bits (RFC 4226, 4: R6)
CODE = re.compile(r"[0-9]{6}")


def new_key() -> str:
    """A secret to be shared with an app, in base 32."""
    return base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()


def app_address(key: str, account: str, product: str) -> str:
    """The `otpauth://` address that the QR code holds."""
    label = f"{quote(product, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': key, 'issuer': product}, quote_via=quote)}"


def step_of(moment: datetime) -> int:
    """The number of the time step that `moment` is in."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(key: str, step: int) -> str:
    """What the app shows in a step."""
    # The demo's secret, which the contract names, is shorter than the library would have it; ours are not.
    app = HOTP(base64.b32decode(key), DIGITS, SHA1(), enforce_key_length=False)  # noqa: S303  # nosec B303: RFC 6238
    return app.generate(step).decode()


def matching_step(key: str, typed: str, now: datetime) -> int | None:
    """The latest step within the drift whose code is `typed`, with blanks as apps show them; None if there is none."""
    code, present = "".join(typed.split()), step_of(now)
    if not CODE.fullmatch(code):
        return None
    steps = range(present + DRIFT_STEPS, present - DRIFT_STEPS - 1, -1)
    return next((step for step in steps if hmac.compare_digest(code_at(key, step), code)), None)
