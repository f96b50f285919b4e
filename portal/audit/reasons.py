"""Why somebody of the staff acts for a customer: asked for by every such verb, and kept in the log."""

from portal.errors import InvalidInputError
from portal.kit.text import clean_line

SHORTEST, LONGEST = 5, 500


def clean_reason(value: str, field: str = "reason") -> str:
    """One line of 5 to 500 characters, line breaks and runs of blanks folded. Raises `InvalidInputError`."""
    reason = clean_line(" ".join(value.split()), field=field, maximum=LONGEST, label="The reason")
    if len(reason) < SHORTEST:
        raise InvalidInputError(f"Say why in at least {SHORTEST} characters.", field=field)
    return reason
