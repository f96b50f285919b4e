"""Every page is valid HTML with one heading and a title; every form on it carries the token."""

from collections import Counter
from collections.abc import Callable
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask

from tests.blueprints.things import Things, address
from tests.blueprints.web import Browser, routes

XHTML = "{http://www.w3.org/1999/xhtml}"
PEOPLE = (None, "owner@acme.example", "viewer@acme.example", "billing@acme.example", "lead@portal.example")


def parsed(text: str) -> Element:
    """The document. Raises `ParseError` naming the first mistake."""
    document: Element = html5lib.HTMLParser(strict=True).parse(text)
    return document


def check(name: str, text: str) -> None:
    document = parsed(text)
    headings = ["".join(node.itertext()).strip() for node in document.iter(f"{XHTML}h1")]
    assert len(headings) == 1, f"{name}: {headings}"
    assert headings[0], name
    title = document.find(f"{XHTML}head/{XHTML}title")
    assert title is not None, name
    assert (title.text or "").strip(), name
    twice = [
        value
        for value, count in Counter(node.get("id") for node in document.iter() if node.get("id")).items()
        if count > 1
    ]
    assert twice == [], name
    check_forms(name, document)


def check_forms(name: str, document: Element) -> None:
    for form in document.iter(f"{XHTML}form"):
        if form.get("method") == "post":
            tokens = [
                node.get("value") for node in form.iter(f"{XHTML}input") if node.get("name") == "csrf_token"
            ]
            assert len(tokens) == 1, f"{name}: {form.get('action')}"
            assert tokens[0], name
    ids = {node.get("id") for node in document.iter()}
    for label in document.iter(f"{XHTML}label"):
        assert label.get("for") is None or label.get("for") in ids, f"{name}: label for {label.get('for')}"


@pytest.mark.parametrize("email", PEOPLE)
def test_every_page_is_valid(
    app: Flask, acme: Things, browse: Callable[[str | None], Browser], email: str | None
) -> None:
    browser, pages = browse(email), 0
    for rule, method in routes(app, changing=False):
        answer = browser.send(method, address(rule, acme))
        if answer.mimetype == "text/html" and answer.status_code != 303:
            check(f"{rule.rule} for {email} ({answer.status_code})", answer.text)
            pages += 1
    assert pages > 2


@pytest.mark.parametrize("path", ["/account/team?q=nobody", "/account/usage?period=12-months", "/nowhere"])
def test_empty_and_missing_pages_are_valid(browse: Callable[[str | None], Browser], path: str) -> None:
    check(path, browse("owner@acme.example").send("GET", path).text)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503])
def test_every_error_page_is_valid(app: Flask, status: int) -> None:
    from blueprints._errors import show_error

    with app.test_request_context("/somewhere"):
        answer = show_error(status, "A <b>message</b>.")
    text = answer.get_data(as_text=True)
    check(str(status), text)
    assert "&lt;b&gt;message" in text


def test_fragments_are_not_whole_pages(
    app: Flask, acme: Things, browse: Callable[[str | None], Browser]
) -> None:
    browser = browse("owner@acme.example")
    for path in (
        "/account/team",
        f"/account/team/members/{acme.member_id}/remove",
        "/account/billing/card",
        f"/account/api-keys/{acme.key_id}/revoke",
        "/account/notifications/bell",
    ):
        text = browser.send("GET", path, HX_Request="true").text
        html5lib.HTMLParser(strict=True).parseFragment(text)
        assert "<html" not in text, path
        assert "<h1" not in text, path
