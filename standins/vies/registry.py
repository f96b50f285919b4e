"""What the register knows: a number's last character says what becomes of it."""

import re
from typing import Any

MEMBER_STATES = re.compile(
    "AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI"
)
SILENT_ABOUT_NAMES = {"DE", "ES"}
"""Member states that say only whether a number is valid."""
NOT_REGISTERED, MEMBER_STATE_DOWN = "0", "9"


def answer(asked: object) -> dict[str, Any]:
    """The body of the answer; errors come with status 200, as from the Commission.

    A number that ends in 0 is not registered; for one that ends in 9 the member state does not answer, ever.
    """
    body = asked if isinstance(asked, dict) else {}
    country, number = str(body.get("countryCode", "")), str(body.get("vatNumber", ""))
    if not MEMBER_STATES.fullmatch(country) or not number.isalnum():
        return failure("INVALID_INPUT")
    if number.endswith(MEMBER_STATE_DOWN):
        return failure("MS_UNAVAILABLE")
    is_valid = not number.endswith(NOT_REGISTERED)
    tells = is_valid and country not in SILENT_ABOUT_NAMES
    return {
        "countryCode": country,
        "vatNumber": number,
        "valid": is_valid,
        "name": f"TRADER {country}{number}" if tells else "---",
        "address": f"1 REGISTER STREET\n{country}" if tells else "---",
    }


def failure(error: str) -> dict[str, Any]:
    """What the Commission answers where there is no answer."""
    return {"actionSucceed": False, "errorWrappers": [{"error": error}]}
