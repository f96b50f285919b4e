"""Cleaning of what people type. No rule here is about a domain."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from portal.errors import InvalidInputError

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
WITHOUT_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))  # letters of several scripts need them
BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # letters by category, empty to the eye


def clean_line(value: str, *, field: str, maximum: int, label: str = "This") -> str:
    """One line of visible text: trimmed, NFC, without control characters. Raises `InvalidInputError`."""
    text = unicodedata.normalize("NFC", value).strip()
    visible = text.translate(WITHOUT_JOINERS)
    if not visible.strip():
        raise InvalidInputError(f"{label} cannot be empty.", field=field)
    if len(text) > maximum:
        raise InvalidInputError(f"{label} can have at most {maximum} characters.", field=field)
    if any(unicodedata.category(char) in UNSEEN or char in BLANKS for char in visible):
        raise InvalidInputError(f"{label} has a character that cannot be shown. Type it again.", field=field)
    return text


def clean_email(value: str, *, field: str = "email") -> str:
    """A mail address in the lower-case ASCII form that every mail server takes. Raises `InvalidInputError`."""
    if len(value) > 254:
        raise InvalidInputError("An email address has at most 254 characters.", field=field)
    try:
        checked = validate_email(
            value.strip(), check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError:
        message = "Write an email address such as name@company.com."
        raise InvalidInputError(message, field=field) from None
    return str(checked.ascii_email).lower()


def sort_key(name: str) -> str:
    """What a name sorts by: letters without case and marks, so that Émile stands beside Emil."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))[:120]


def initials(name: str) -> str:
    """One or two letters for an avatar."""
    words = name.split()
    letters = words[0][:1] + (words[-1][:1] if len(words) > 1 else "") if words else "?"
    return letters.upper()
