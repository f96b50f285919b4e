"""What tests of the help desk share: signed requests, what an agent reads, and the published shapes of an answer."""

import json
import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from blueprints._limits import limiter
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.extensions import db
from tests.support.help_desk import (
    PATHS,
    Request,
    request_of,
)

SOURCES = tuple(PATHS)
OWNER = "owner@acme.example"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture
def fresh_counts(app: Flask) -> Iterator[None]:
    with app.app_context():
        limiter.reset()
    yield
    with app.app_context():
        limiter.reset()


def send(app: Flask, request: Request, **more: str) -> TestResponse:
    path, body, headers = request
    return app.test_client(use_cookies=False).post(path, data=body, headers={**headers, **more})


def ask(app: Flask, source: str, email: str | None, ticket: str = "4711") -> TestResponse:
    answer = send(app, request_of(source, email, ticket))
    assert answer.status_code == 200, answer.text
    return answer


def words(source: str, answer: TestResponse) -> str:
    """What an agent reads."""
    given = answer.get_json()
    if source == "intercom":
        return "\n".join(_texts(given["canvas"]["content"]["components"]))
    return " ".join("".join(fragment(given["html"]).itertext()).split())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"text", "field", "value", "title", "subtitle", "label"} and isinstance(inner, str):
                yield inner.replace("\N{WORD JOINER}", "")
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def fragment(html: str) -> Element:
    parsed: Element = html5lib.HTMLParser(strict=True).parseFragment(html)
    return parsed


TAGS = {"ul", "li", "span", "h4", "a", "p", "div"}
CLASSES = {
    *("c-sb-list", "c-sb-list--two-line", "c-sb-list-item", "c-sb-list-item__label"),
    *("c-sb-list-item__text", "muted", "red", "divider"),
}


def check_helpscout(given: dict[str, Any]) -> None:
    """`{"html": ...}` of elements and classes that Help Scout's style guide has; it strips all others."""
    assert given.keys() == {"html"}
    for node in list(fragment(given["html"]).iter())[1:]:
        assert node.tag.removeprefix(XHTML) in TAGS
        assert set(node.get("class", "").split()) <= CLASSES
        assert node.attrib.keys() <= {"class", "href"}


TEXT = {"type": str, "text": str, "style": {"header", "paragraph", "muted", "error"}}
COMPONENTS: dict[str, dict[str, Any]] = {
    "text": TEXT,
    "divider": {"type": str},
    "data-table": {"type": str, "items": {"type": {"field-value"}, "field": str, "value": str}},
    "list": {"type": str, "items": {"type": {"item"}, "id": str, "title": str, "subtitle": str}},
    "button": {
        "type": str,
        "id": str,
        "label": str,
        "style": {"primary", "secondary", "link"},
        "action": None,
    },
}
ACTIONS: dict[str, dict[str, Any]] = {"url": {"type": str, "url": str}, "submit": {"type": str}}


def check_shape(given: Any, shape: Any) -> None:
    assert isinstance(given, dict)
    assert given.keys() == shape.keys()
    for name, wanted in shape.items():
        if wanted is str:
            assert isinstance(given[name], str)
            assert given[name]
        elif isinstance(wanted, set):
            assert given[name] in wanted
        elif isinstance(wanted, dict):
            assert given[name]
            for item in given[name]:
                check_shape(item, wanted)


def check_intercom(given: dict[str, Any]) -> None:
    """Canvas Kit's response: canvas, content, components, each with its published fields; at most 64 KB."""
    assert given.keys() == {"canvas"}
    assert given["canvas"].keys() == {"content"}
    components = given["canvas"]["content"]["components"]
    for component in components:
        check_shape(component, COMPONENTS[component["type"]])
        if "action" in component:
            check_shape(component["action"], ACTIONS[component["action"]["type"]])
    ids = re.findall(r'"id": "([^"]+)"', json.dumps(components))
    assert len(ids) == len(set(ids))
    assert len(json.dumps(given).encode()) < 64_000


def check_zendesk(given: dict[str, Any]) -> None:
    """Ours: read by integrations/zendesk, and by whoever writes an app of their own."""
    assert given.keys() == {"requester", "organizations", "advice", "search_url", "note", "html"}
    for fact in given["requester"]:
        check_shape(fact, {"label": str, "value": str})
    for part in given["organizations"]:
        assert part.keys() == {"name", "url", "facts", "invoices", "timeline"}
        for line in [*part["invoices"], *part["timeline"]]:
            assert line.keys() == {"text", "detail", "is_bad"}
    for node in list(fragment(given["html"]).iter())[1:]:
        assert node.tag.removeprefix(XHTML) in TAGS | {"dl", "dt", "dd", "section", "h2", "h3"}
        assert node.attrib.keys() <= {"class", "href", "target", "rel"}


CHECKS = {"helpscout": check_helpscout, "intercom": check_intercom, "zendesk": check_zendesk}


def opened(organization_id: str) -> list[AuditEntry]:
    statement = db.select(AuditEntry).where(
        AuditEntry.organization_id == organization_id, AuditEntry.action == Action.TICKET_OPENED.value
    )
    return list(db.session.scalars(statement.order_by(AuditEntry.id)))
