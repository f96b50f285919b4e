"""After signing in one only ever lands on this site."""

from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from blueprints._safe_next import DEFAULT, LONGEST, safe_next
from tests.factories import PASSWORD, World
from tests.visitor import Visitor

KEPT = [
    "/",
    "/account",
    "/account/team?q=a&after=b",
    "/account/invoices/bill_1",
    "/a#b",
    "/account?next=//evil.example",
    "/%2f%2fevil.example",
]
REFUSED = [
    None,
    "",
    "account",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://localhost@evil.example",
    "http://localhost.evil.example",
    "/a\x00b",
    "/ü",
    "/a b",
    "/a\\b",
    "/auth/sign-out",
    "/auth/sign-in?next=/account",
    "/" + "a" * LONGEST,
    ".//evil.example",
    "?next=//evil.example",
    "#//evil.example",
]
ALPHABET = "/\\:@?#.%\t\n\r \x00ahtps2fF;&="


def as_a_browser(value: str) -> str:
    """The host that a browser would go to: tabs and line ends go, a backslash is a slash (WHATWG URL)."""
    cleaned = (
        value.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None}).replace("\\", "/")
    )
    return urlsplit(urljoin("http://here.example/auth/sign-in", cleaned)).netloc


@pytest.mark.parametrize("value", KEPT)
def test_own_paths_are_kept(value: str) -> None:
    assert safe_next(value) == value


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: ascii(value)[:40])
def test_everything_else_leads_to_the_account(value: str | None) -> None:
    assert safe_next(value) == DEFAULT


@settings(max_examples=2_000, deadline=None)
@given(st.text(alphabet=ALPHABET, max_size=12) | st.text(max_size=20))
@example("/\\evil.example")
def test_no_text_leads_to_another_host(value: str) -> None:
    assert as_a_browser(safe_next(value)) == "here.example"


@pytest.mark.parametrize(
    "value", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"]
)
@pytest.mark.parametrize("where", ["query", "form"])
def test_the_sign_in_page_uses_it(
    app: Flask, world: World, visit: Callable[..., Visitor], value: str, where: str
) -> None:
    visitor = visit()
    if where == "query":
        page = visitor.client.get("/auth/sign-in", query_string={"next": value}).text
        assert 'name="next" type="hidden" value="/account"' in page
        return
    answer = visitor.post(
        "/auth/sign-in", {"email": "owner@acme.example", "password": PASSWORD, "next": value}
    )
    assert (answer.status_code, answer.location) == (303, "/account")


@pytest.mark.parametrize(
    "referrer",
    [
        "https://evil.example/x",
        "http://localhost.evil.example/",
        "http://localhost//evil.example",
        "http://localhost/\\evil.example",
    ],
)
def test_the_appearance_leads_back_only_to_us(
    world: World, visit: Callable[..., Visitor], referrer: str
) -> None:
    visitor = visit("owner@acme.example")
    data = {"csrf_token": visitor.csrf_token(), "theme": "dark"}
    answer = visitor.client.post("/account/appearance", data=data, headers={"Referer": referrer})
    assert answer.location == "/account"
