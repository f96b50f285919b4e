"""A cursor is either what we gave out or refused."""

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import InvalidInputError
from portal.kit.paging import decode_cursor, encode_cursor, make_page


def packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


HOSTILE = [
    "x",
    "====",
    "%00",
    "ümlaut",
    "\x00",
    "a" * 100_000,
    "🦊",
    packed("text"),
    packed({"a": 1}),
    packed([1, "b"]),
    packed(["a"]),
    packed(["a", "b", "c"]),
    packed(["a", None]),
    packed([["a"], "b"]),
    packed(["a\x00", "b"]),
    packed([True, "b"]),
    base64.urlsafe_b64encode(b"[" * 200_000).decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    base64.urlsafe_b64encode(b'["a", "\\ud800"]').decode(),
]


@pytest.mark.parametrize("cursor", HOSTILE, ids=lambda value: ascii(value)[:30])
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInputError):
        decode_cursor(cursor, (str, str))


@pytest.mark.parametrize("value", [True, 1.0, "1", 2**63, -(2**63) - 1, 10**400])
def test_a_number_is_a_number_that_the_database_can_hold(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        decode_cursor(packed([value]), (int,))


@pytest.mark.parametrize("cursor", [None, ""])
def test_no_cursor_is_the_first_page(cursor: str | None) -> None:
    assert decode_cursor(cursor, (str, str)) is None


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.integers(-(2**62), 2**62),
)
def test_what_was_given_out_comes_back(text: str, number: int) -> None:
    assert decode_cursor(encode_cursor([text, number]), (str, int)) == (text, number)


@given(st.text(max_size=60))
def test_nothing_but_a_refusal_comes_of_noise(noise: str) -> None:
    with suppress(InvalidInputError):
        decode_cursor(noise, (str, str))


@pytest.mark.parametrize(
    ("fetched", "shown", "has_more"), [(0, 0, False), (1, 1, False), (3, 3, False), (4, 3, True)]
)
def test_there_is_a_next_page_only_if_there_is_more(fetched: int, shown: int, has_more: bool) -> None:
    page = make_page(list(range(fetched)), 3, lambda row: (row,))
    assert len(page.rows) == shown
    assert (page.next_cursor is not None) == has_more
    if has_more:
        assert decode_cursor(page.next_cursor, (int,)) == (2,)
