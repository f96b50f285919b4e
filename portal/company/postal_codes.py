"""Postal codes as people type them, put into the form of their country."""

import re
from collections.abc import Callable, Iterator, Sequence

SIGNS = {
    "AT": "A",
    "BE": "B",
    "DE": "D",
    "ES": "E",
    "FI": "FIN",
    "FR": "F",
    "HU": "H",
    "IT": "I",
    "LI": "FL",
    "LU": "L",
    "NO": "N",
    "PT": "P",
    "SE": "S",
    "SI": "SLO",
}
"""What is written before a code instead of the country's two letters: the sign of its cars."""


def in_form(typed: str, country: str, examples: Sequence[str], fits: Callable[[str], bool]) -> str | None:
    """The code in capitals, with the mark that the examples have and without the country; None where none fits."""
    text = " ".join(typed.upper().split())
    tries = (form for code in (text, _without_country(text, country)) for form in _forms(code, examples))
    return next(filter(fits, tries), None)


def _without_country(text: str, country: str) -> str:
    prefixes = "|".join(filter(None, (country, SIGNS.get(country))))
    return re.sub(rf"^(?:{prefixes})[ -]*(?=\d)", "", text)


def _forms(code: str, examples: Sequence[str]) -> Iterator[str]:
    whole = code.replace(" ", "")
    for mark in " -":
        if any(mark in example for example in examples):
            yield from (f"{whole[:place]}{mark}{whole[place:]}" for place in range(1, len(whole)))
    yield code
    yield whole
