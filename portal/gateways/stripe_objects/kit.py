"""What all of Stripe's objects have in common: text, ids that may be expanded, amounts with fractions."""

from datetime import datetime
from decimal import Decimal
from typing import Any

Tree = dict[str, Any]
"""An object as Stripe's API gives it or takes it."""


def line(value: object, maximum: int) -> str:
    """Text of Stripe's as one line that fits our column; control characters would break mails and Postgres."""
    words = "".join(char if char.isprintable() else " " for char in str(value or ""))
    return " ".join(words.split())[:maximum]


def id_of(value: Any) -> str:
    """The id of what may be expanded."""
    return str(value["id"] if isinstance(value, dict) else value)


def maybe_id(value: Any) -> str | None:
    """The id of what may be expanded or absent."""
    return id_of(value) if value else None


def whole_minor(decimal: object) -> int | None:
    """A `unit_amount_decimal` as minor units; None where it is absent or has a fraction of one."""
    amount = minor(decimal)
    return int(amount) if amount is not None and amount == int(amount) else None


def minor(decimal: object) -> Decimal | None:
    """A `unit_amount_decimal` in minor units, up to twelve decimal places."""
    return Decimal(str(decimal)) if decimal is not None else None


def day(moment: datetime) -> str:
    """A date for a sentence: 1 Mar 2027."""
    return f"{moment.day} {moment:%b %Y}"
