"""Whether a tax id can be one: the form of its kind, and its check digits (python-stdnum)."""

import importlib
import re
from itertools import groupby

from stdnum.exceptions import ValidationError

from portal.company.addresses import country_name
from portal.company.tax_id_types import TaxIdKind, all_kinds, kinds_of
from portal.errors import InvalidInputError

DIGITS = frozenset("0123456789")
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZÑ&")  # Mexico's have the last two
ALLOWED = {"#": DIGITS, "@": LETTERS, "*": DIGITS | LETTERS}
WORDS = {"#": "digit", "@": "letter", "*": "letter or digit"}
LONGEST_TYPED = 64
MOST_FORMS = 3


class TaxIdInvalidError(InvalidInputError):
    """The number cannot be one of this kind. The message says what one looks like."""


def clean_tax_id(kind: TaxIdKind, typed: str) -> str:
    """The number in the form that Stripe documents; blanks, dots and a prefix left out do not matter.

    Raises `TaxIdInvalidError` with the form of the country's numbers and an example.
    """
    symbols = _symbols(typed[:LONGEST_TYPED])
    found = next(filter(None, (_fill(mask, symbols, kind) for mask in kind.masks)), None)
    if found is None or len(typed) > LONGEST_TYPED:
        raise TaxIdInvalidError(f"This is no {_title(kind)}. {form_of(kind)}", field="value")
    if kind.checks and not any(_agrees(check, found) for check in kind.checks):
        wrong = f"The check digits of this {_title(kind)} do not fit: look for a typing mistake."
        raise TaxIdInvalidError(f"{wrong} {form_of(kind)}", field="value")
    return found


def form_of(kind: TaxIdKind) -> str:
    """What a number looks like: `It has DE and 9 digits, for example DE136695976.`"""
    forms = list(dict.fromkeys(_in_words(mask) for mask in kind.masks))
    shown = ", or ".join(forms) if len(forms) <= MOST_FORMS else f"{forms[0]}, up to {forms[-1]}"
    return f"It has {shown}, for example {kind.example}."


def forms_of(country: str) -> list[tuple[TaxIdKind, str]]:
    """Every kind of a country with the words for its form."""
    return [(kind, form_of(kind)) for kind in kinds_of(country)]


def tax_countries() -> list[tuple[str, str]]:
    """(code, name) of every country that has tax ids, by name."""
    codes = {kind.country for kind in all_kinds()}
    return sorted(((code, country_name(code)) for code in codes), key=lambda item: item[1])


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers differ in nothing but their punctuation."""
    return _symbols(one) == _symbols(other)


def _symbols(typed: str) -> str:
    return "".join(char for char in typed.upper() if char.isalnum() or char == "&")


def _title(kind: TaxIdKind) -> str:
    return f"{kind.name} of {country_name(kind.country)}" if "(" not in kind.name else kind.name


def _fill(mask: str, symbols: str, kind: TaxIdKind) -> str | None:
    """The symbols in the places of the mask; None where they do not fit."""
    found = re.match(r"[A-Z]*", mask)
    prefix = found[0] if found and not kind.is_prefix_asked else ""
    tries = (_place(mask, prefix[:length] + symbols) for length in range(len(prefix) + 1))
    return next(filter(None, tries), None)


def _place(mask: str, symbols: str) -> str | None:
    waiting, filled = list(symbols), []
    for place in mask:
        if place not in ALLOWED and not place.isalnum():
            filled.append(place)
        elif waiting and waiting[0] in ALLOWED.get(place, {place}):
            filled.append(waiting.pop(0))
        else:
            return None
    return None if waiting else "".join(filled)


def _agrees(check: str, number: str) -> bool:
    module = importlib.import_module(f"stdnum.{check}")
    try:
        module.validate(number)
    except ValidationError:
        return False
    return True


def _in_words(mask: str) -> str:
    """`CY########@` as `CY, 8 digits and 1 letter`."""
    symbols = [char for char in mask if char.isalnum() or char in WORDS]
    parts = []
    for word, group in groupby(symbols, key=lambda char: WORDS.get(char, "")):
        run = list(group)
        parts.append(_counted(len(run), word) if word else "".join(run))
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def _counted(count: int, word: str) -> str:
    if count == 1:
        return f"1 {word}"
    return f"{count} {'letters or digits' if ' or ' in word else word + 's'}"
