"""Secrets do not enter the log, whoever puts them into a change by mistake."""

import json
import re
from functools import lru_cache
from typing import Any

MASK = "••••••"
SECRET_NAMES = re.compile(
    r"pass(?:word|phrase|code)|secret|token|credential|private|authorization|cookie|totp|(?:^|_)otp|cvc|cvv|card_?number"
    r"|(?:recovery|backup|verification|security)_?code|^codes?$|^(?:api_?)?key$|(?:^|_)pin$",
    re.IGNORECASE,
)
SECRET_VALUES = re.compile(
    r"(?:sk|rk|whsec|pk)_(?:live_|test_)?\w{12,}|ptl_\w{20,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|xox[a-z]-[\w-]{10,}"
    r"|(?:https?://)?hooks\.slack(?:-gov)?\.com/\S+|\$argon2\S+|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bbearer\s+[\w.~+/-]{8,}=*|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)|(?<!\w)(?:\d[ -]?){15,18}\d(?!\w)",
    re.IGNORECASE,
)
CARD_NUMBERS = re.compile(r"(?<!\w)[3-6](?:[ -]?\d){12,14}(?!\w)")
"""So many digits are a card's only with the right check digit (ISO/IEC 7812); more of them are masked anyway."""

as_json = json.JSONEncoder(default=str).encode
PLAIN = {str, int, bool, type(None)}


def masked(fields: dict[str, Any] | None) -> dict[str, Any] | None:
    """The fields as plain JSON, a value replaced where its name or its form says that it is a secret."""
    if fields is None:
        return None
    is_plain = all(type(name) is str and type(value) in PLAIN for name, value in fields.items())
    return _mask_fields(fields if is_plain else json.loads(as_json(fields)), is_secret=False)


def masked_text(text: str) -> str:
    """The text with everything in it replaced that has the form of a secret."""
    return CARD_NUMBERS.sub(_mask_card, SECRET_VALUES.sub(MASK, text))


def _mask_fields(fields: dict[str, Any], *, is_secret: bool) -> dict[str, Any]:
    shown = [(*_of_name(name), value) for name, value in fields.items()]
    return {name: _mask(value, is_secret=is_secret or names_secret) for name, names_secret, value in shown}


@lru_cache(maxsize=500)
def _of_name(name: str) -> tuple[str, bool]:
    """The name as it is shown, and whether it names a secret. Names are few and come with every change."""
    return masked_text(name), bool(SECRET_NAMES.search(name))


def _mask(value: Any, *, is_secret: bool) -> Any:
    if isinstance(value, dict):
        return _mask_fields(value, is_secret=is_secret)
    if isinstance(value, list):
        return [_mask(found, is_secret=is_secret) for found in value]
    if value is None or isinstance(value, bool):
        return value
    if is_secret:
        return MASK
    shown = masked_text(str(value))
    return value if shown == str(value) else shown


def _mask_card(found: re.Match[str]) -> str:
    digits = [int(char) for char in found[0] if char.isdigit()]
    total = sum(digits[-1::-2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return MASK if total % 10 == 0 else found[0]
