"""The audit log as staff see it: every organization, and themselves."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.actor import ActorKind, system_actor
from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.audit.service import Change, record
from portal.extensions import db
from tests.blueprints.log_pages import OWNER, STAFF, find, see
from tests.blueprints.web import Browser
from tests.factories import World

Browse = Callable[[str | None], Browser]


def test_staff_see_every_organization_and_themselves(logged: World, app: Flask, browse: Browse) -> None:
    browser = browse(STAFF)
    see(browser, "/admin/audit-log/export.jsonl")
    found = find(browser, "/admin/audit-log")
    assert len(found) == 9
    assert found[0].startswith("Support Staff downloaded the activity as JSON Lines")
    assert any("created the API key Globex secret in Globex" in row for row in found)
    own = re.search(
        r'href="(/admin/audit-log\?person=usr_\w+)">My own actions', see(browser, "/admin/audit-log")
    )
    assert own
    assert len(find(browser, own[1].partition("?")[0], person=own[1].partition("=")[2])) == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"organization": "Globex"}, 1),
        ({"organization": "Acme"}, 7),
        ({"person": "owner@acme.example"}, 2),
        ({"person": "OWNER@globex.example", "organization": "Acme"}, 0),
        ({"person": "usr_staff"}, 1),
        ({"person": "Stripe"}, 1),
        ({"person": "staff", "organization": "Acme"}, 1),
        ({"action": "api-key", "to": "2026-03-02"}, 1),
    ],
)
def test_staff_filter_by_organization_too(
    logged: World, browse: Browse, query: dict[str, str], count: int
) -> None:
    assert len(find(browse(STAFF), "/admin/audit-log", **query)) == count


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"organization": "Nowhere"}, "There is no organization of this id or name."),
        ({"person": "nobody@else.example"}, "Nobody with this address or id has done anything here."),
        ({"person": "x" * 300}, "At most 254 characters."),
        ({"organization": "x" * 300}, "At most 120 characters."),
    ],
)
def test_staff_are_told_what_is_not_known(
    logged: World, browse: Browse, query: dict[str, str], said: str
) -> None:
    page = see(browse(STAFF), "/admin/audit-log", status=422, **query)
    assert said in page
    assert next(iter(query.values())) in page


def test_what_staff_take_out_of_an_organization_stands_in_its_log(
    app: Flask, logged: World, browse: Browse
) -> None:
    see(browse(STAFF), "/admin/audit-log/export.csv", organization="Acme")
    assert find(browse(OWNER))[0].startswith("Support Staff downloaded the activity as CSV")
    with app.app_context():
        row = db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert row
        assert (row.actor_kind, row.organization_id) == (ActorKind.STAFF, logged.acme.organization_id)


def test_an_organization_that_is_gone_still_has_its_log(app: Flask, logged: World, browse: Browse) -> None:
    with app.app_context():
        record(
            system_actor("org_gone"), Action.ORGANIZATION_OPENED, Change("organization", "org_gone", "Gone")
        )
        db.session.commit()
    found: list[Any] = find(browse(STAFF), "/admin/audit-log", organization="org_gone")
    assert len(found) == 1
    assert "in org_gone" in found[0]
