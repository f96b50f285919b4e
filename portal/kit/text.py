"""Cleaning of what people type. No rule here is about a domain."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from portal.errors import InvalidInputError

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def clean_line(value: str, *, field: str, maximum: int, label: str = "This") -> str:
    """One line of visible text: trimmed, NFC, without control characters. Raises `InvalidInputError`."""
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise InvalidInputError(f"{label} cannot be empty.", field=field)
    if len(text) > maximum:
        raise InvalidInputError(f"{label} can have at most {maximum} characters.", field=field)
    if any(
        unicodedata.category(char) in {"Cc", "Cs", "Co", "Zl", "Zp"} or char in BIDI_CONTROLS for char in text
    ):
        raise InvalidInputError(f"{label} has a character that cannot be shown. Type it again.", field=field)
    return text


def clean_email(value: str, *, field: str = "email") -> str:
    """A mail address in its canonical lower-case form. Raises `InvalidInputError` naming `field`."""
    if len(value) > 254:
        raise InvalidInputError("An email address has at most 254 characters.", field=field)
    try:
        checked = validate_email(value.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        message = "Write an email address such as name@company.com."
        raise InvalidInputError(message, field=field) from None
    return checked.normalized.lower()


def sort_key(name: str) -> str:
    """What a name sorts by: letters without case and marks, so that Émile stands beside Emil."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))[:120]


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = name.split()
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "") if words else "?"
    return letters.upper()
