"""Secrets do not enter the log, whoever puts them into a change by mistake."""

import json
import re
from typing import Any

MASK = "••••••"
SECRET_NAMES = re.compile(
    r"password|passphrase|secret|token|credential|private|recovery_code|totp|(?:^|_)otp|cvc|cvv|^code$|^key$|card_number",
    re.IGNORECASE,
)
SECRET_VALUES = re.compile(
    r"(?:sk|rk|whsec|pk)_(?:live_|test_)?\w{12,}|ptl_\w{20,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|xox[a-z]-[\w-]{10,}"
    r"|https://hooks\.slack\.com/\S+|\$argon2\S+|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:\d[ -]?){15,18}\d\b"
)


def masked(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    """The fields as plain JSON, a value replaced where its name or its form says that it is a secret."""
    if fields is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(fields, default=str))
    return {name: _mask(name, value) for name, value in plain.items()}


def _mask(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _mask(inner, found) for inner, found in value.items()}
    if isinstance(value, list):
        return [_mask(name, found) for found in value]
    if value is None or isinstance(value, bool):
        return value
    if SECRET_NAMES.search(name):
        return MASK
    return SECRET_VALUES.sub(MASK, value) if isinstance(value, str) else value
