"""What people type is cleaned the same way everywhere."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import InvalidInputError
from portal.kit.text import clean_email, clean_line, initials, sort_key

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = [
    "a\x00b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x7fb",
    "a\u2028b",
    "a\u2029b",
    "\ud800",
    "a\ue000b",
    *(f"a{char}b" for char in sorted(BIDI_CONTROLS)),
]
ADDRESSES = [
    ("ANA@Acme.Example", "ana@acme.example"),
    ("  ana@acme.example ", "ana@acme.example"),
    ("ana+tag@sub.acme.example", "ana+tag@sub.acme.example"),
    ("ana@bücher.example", "ana@xn--bcher-kva.example"),
]
NO_ADDRESSES = [
    "",
    "ana",
    "ana@",
    "@acme.example",
    "a b@acme.example",
    "ana@acme..example",
    "ana@acme.example\nBcc: x@evil.example",
    "ana@acme.example,bo@acme.example",
    "Ana <ana@acme.example>",
    "ana@[127.0.0.1]",
    '"a b"@acme.example',
    "ana@acme.example\x00",
    f"{'a' * 250}@acme.example",
    "ana@-acme.example",
    "ána@acme.example",
]


@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_characters_that_cannot_be_shown_are_refused(value: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        clean_line(value, field="name", maximum=10)
    assert refusal.value.field == "name"


@pytest.mark.parametrize("value", ["", " ", "\u00a0", "\u3000\t"])
def test_a_line_of_nothing_is_refused(value: str) -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        clean_line(value, field="name", maximum=10)


@pytest.mark.parametrize("value", ["\u200b", "\u200b\u200d", "\u00ad", "\u2060", "\ufeff"], ids=ascii)
def test_a_name_that_nobody_can_see_is_refused(value: str) -> None:
    with pytest.raises(InvalidInputError):
        clean_line(value, field="name", maximum=10)


def test_a_line_is_trimmed_and_composed() -> None:
    assert clean_line("  E\u0301mile ", field="name", maximum=5) == "Émile"


def test_the_limit_counts_what_is_kept() -> None:
    assert clean_line(" " * 50 + "abcde", field="name", maximum=5) == "abcde"
    with pytest.raises(InvalidInputError, match="at most 5"):
        clean_line("abcdef", field="name", maximum=5)


@pytest.mark.parametrize("value", ["Zoë 🦊", "李小龙", "عمر", "O'Brien-Smith", "<b>"])
def test_names_of_all_the_world_are_kept(value: str) -> None:
    assert clean_line(value, field="name", maximum=20) == value


@given(st.text(max_size=40))
def test_a_clean_line_is_one_visible_line(value: str) -> None:
    try:
        cleaned = clean_line(value, field="name", maximum=30)
    except InvalidInputError:
        return
    assert 0 < len(cleaned) <= 30
    assert cleaned == cleaned.strip()
    assert not any(
        unicodedata.category(char).startswith(("Cc", "Cs", "Zl", "Zp")) or char in BIDI_CONTROLS
        for char in cleaned
    )
    assert clean_line(cleaned, field="name", maximum=30) == cleaned


@pytest.mark.parametrize(("typed", "kept"), ADDRESSES)
def test_an_address_has_one_form(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize("typed", NO_ADDRESSES, ids=lambda value: ascii(value)[:40])
def test_what_is_no_address_is_refused_beside_its_field(typed: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        clean_email(typed, field="billing_email")
    assert refusal.value.field == "billing_email"


def test_sorting_ignores_case_and_marks() -> None:
    assert sorted(["Zoe", "émile", "Emil", "ÅSA"], key=sort_key) == ["ÅSA", "Emil", "émile", "Zoe"]


def test_a_sort_key_fits_its_column() -> None:
    assert len(sort_key("ﷺ" * 120)) <= 120


@pytest.mark.parametrize(
    ("name", "letters"), [("Ana Ruiz", "AR"), ("ana", "A"), ("Ana de la Cruz", "AC"), ("", "?"), ("  ", "?")]
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
