"""Another organization's thing answers exactly like one that does not exist."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.kit.tokens import new_id
from portal.permissions import Role
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, dump, routes

IDS = {
    "member_id": "mem",
    "invitation_id": "inv",
    "key_id": "key",
    "invoice_id": "bill",
    "document_id": "doc",
}
NUMBERS = {"notification_id": "987654321"}
"""Things that are numbered have no kind in their id: the number that nobody has."""
CHANGING = re.compile(
    r'nonce="[^"]*"|name="csrf_token" value="[^"]*"|hx-headers=\'[^\']*\'|<code>\w{22}</code>'
)


def seen(answer: TestResponse, thing_id: str) -> tuple[int, str, str]:
    """What a person can tell two answers apart by."""
    return (
        answer.status_code,
        CHANGING.sub("", answer.text).replace(thing_id, "ID"),
        answer.headers.get("Location", ""),
    )


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "fragment"])
@pytest.mark.parametrize("role", Role)
def test_another_tenants_id_answers_like_an_unknown_one(
    app: Flask, acme: Things, globex: Things, browse: Callable[[str | None], Browser], role: Role, htmx: bool
) -> None:
    browser = browse(f"{role}@acme.example")
    headers = {"HX_Request": "true"} if htmx else {}
    before = dump(app)
    checked = 0
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            name = next(iter(rule.arguments & (IDS.keys() | NUMBERS.keys())), None)
            if name is None:
                continue
            data = form(rule.endpoint, acme) if changing else None
            answers = []
            unknown = NUMBERS.get(name) or new_id(IDS[name])
            for thing_id in (getattr(globex, name), unknown):
                answer = browser.send(method, address(rule, acme, **{name: thing_id}), data, **headers)
                answers.append(seen(answer, thing_id if name in IDS else "no id in the text"))
            assert answers[0] == answers[1], f"{method} {rule.rule}"
            assert answers[0][0] in {403, 404}, f"{method} {rule.rule}"
            checked += 1
    assert checked > 8
    assert dump(app) == before


def test_another_organization_cannot_be_switched_to(
    globex: Things, browse: Callable[[str | None], Browser]
) -> None:
    browser = browse("owner@acme.example")
    answers = [
        seen(browser.send("POST", "/account/organization", {"to": organization_id}), organization_id)
        for organization_id in (globex.organization_id, new_id("org"))
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_lists_show_only_ones_own(
    acme: Things, globex: Things, browse: Callable[[str | None], Browser]
) -> None:
    browser = browse("owner@acme.example")
    for path in ("team", "api-keys", "invoices", "activity", "billing", "usage", "profile"):
        page = browser.send("GET", f"/account/{path}").text
        theirs = (
            globex.member_id,
            globex.key_id,
            globex.invoice_id,
            globex.invitation_id,
            globex.organization_id,
        )
        assert not any(thing_id in page for thing_id in theirs), path
        assert "globex" not in page.lower(), path
