"""What people have written comes out as text, and no secret comes out at all."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from portal.api_keys.service import create_key
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.database import Base
from portal.extensions import db
from portal.identity.models import Organization, SecondFactor, User
from portal.permissions import Role
from tests.blueprints.help_desk import CHECKS, OWNER, SOURCES, XHTML, ask, fragment, words
from tests.blueprints.things import Things, make_invoice
from tests.factories import World
from tests.support.help_desk import (
    INTERCOM_SECRET,
    ZENDESK_SECRET,
)

HOSTILE = '<img src=x onerror="alert(1)"> **[free](https://evil.example)** <https://evil.example|x> {{ 7*7 }}'
pytestmark = pytest.mark.usefixtures("fresh_counts")


@pytest.mark.parametrize("source", SOURCES)
def test_what_people_have_written_comes_out_as_text(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        db.session.get_one(User, world.acme.users[Role.OWNER]).name = HOSTILE
        db.session.get_one(Organization, world.acme.organization_id).name = HOSTILE
        make_invoice(world.acme.organization_id, "<b>N</b>")
        record(world.acme.actor(), Action.API_KEY_CREATED, Change("api_key", "key_1", HOSTILE))
        db.session.commit()
    answer = ask(app, source, OWNER)
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    assert seen.count(HOSTILE) >= 3
    assert "<b>N</b>" in seen
    check_hostile(source, answer.get_json())


def check_hostile(source: str, given: dict[str, Any]) -> None:
    if source != "intercom":
        nodes = list(fragment(given["html"]).iter())[1:]
        assert not {node.tag.removeprefix(XHTML) for node in nodes} & {"img", "b", "script"}
        hrefs = [node.get("href") for node in nodes if node.get("href")]
        assert hrefs
        assert all(str(href).startswith("http://localhost/admin/") for href in hrefs)
        return
    for component in given["canvas"]["content"]["components"]:
        written = json.dumps({**component, "action": None}, ensure_ascii=False)
        assert not re.search(r"\]\(|://|<[a-z]", written)
        if component["type"] == "text":
            assert "evil" not in written


@pytest.mark.parametrize("source", SOURCES)
def test_a_hostile_address_in_the_ticket_comes_out_as_text(app: Flask, world: World, source: str) -> None:
    answer = ask(app, source, HOSTILE)
    CHECKS[source](answer.get_json())
    assert HOSTILE in words(source, answer)
    check_hostile(source, answer.get_json())


@pytest.mark.parametrize("source", SOURCES)
def test_no_secret_is_in_the_answer(app: Flask, world: World, acme: Things, source: str) -> None:
    with app.app_context():
        _, secret = create_key(world.acme.actor(), "Another")
        db.session.add(SecondFactor(user_id=world.acme.users[Role.OWNER], secret="a sealed secret"))
        db.session.commit()
        secrets = [
            str(value)
            for table in Base.metadata.sorted_tables
            for column in table.columns
            if column.name == "secret" or column.name.endswith("_hash")
            for value in db.session.scalars(db.select(column).where(column.is_not(None)))
        ]
    answer = ask(app, source, OWNER)
    assert len(secrets) > 8
    for hidden in (secret, acme.token, INTERCOM_SECRET, ZENDESK_SECRET, *secrets):
        assert hidden not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
