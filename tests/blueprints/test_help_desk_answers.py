"""The answer shows the ticket's requester and their organizations, and nobody else's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.extensions import db
from portal.help_desk.queries import tickets_of
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.permissions import Role
from tests.blueprints.help_desk import CHECKS, OWNER, SOURCES, ask, check_intercom, opened, send, words
from tests.blueprints.test_transactions import lasting
from tests.blueprints.things import Things, make_invoice
from tests.conftest import ENGINES
from tests.factories import World, add_member, make_organization, make_user
from tests.support.help_desk import (
    helpscout_body,
    helpscout_request,
    intercom_body,
    intercom_request,
    request_of,
    zendesk_request,
)

pytestmark = pytest.mark.usefixtures("fresh_counts")


def fill(app: Flask, world: World) -> None:
    """Invoices of every age, and more history than is shown."""
    now = utcnow()
    with app.app_context():
        for number, days in (("L-12", -12), ("L-1", -1), ("D-3", 3)):
            make_invoice(world.acme.organization_id, number, due_at=now + timedelta(days=days))
        for number in range(25):
            change = Change("api_key", f"key_{number}", f"Key {number}")
            record(world.acme.actor(), Action.API_KEY_CREATED, change)
        db.session.commit()


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_the_answer_shows_the_requester_and_the_organization(
    app: Flask, world: World, acme: Things, source: str, engine_name: str
) -> None:
    fill(app, world)
    answer = ask(app, source, " Owner@Acme.example ")
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    for wanted in (
        *("Owner of Acme", OWNER, "Second factor", "Off", "Acme", "Role", "Owner", "Plan"),
        *("A-1", "€119.00", "no due day", "12 days late", "1 day late", "due in 3 days"),
        *("Open in total", "Owner created the API key Key 24", "Only the support team sees this."),
    ):
        assert wanted in seen, wanted
    lines = re.findall(r"created the API key Key (\d+)", seen)
    assert lines == [str(number) for number in range(24, 4, -1)]
    assert f"http://localhost/admin/organizations/{acme.organization_id}" in answer.text
    assert "globex" not in answer.text.lower()


@pytest.mark.parametrize("source", SOURCES)
def test_the_longest_overdue_invoice_comes_first_and_settled_ones_are_left_out(
    app: Flask, world: World, acme: Things, source: str
) -> None:
    fill(app, world)
    with app.app_context():
        db.session.execute(text("UPDATE invoices SET status = 'paid' WHERE number = 'L-1'"))
        db.session.commit()
    seen = words(source, ask(app, source, OWNER))
    assert seen.index("L-12") < seen.index("D-3") < seen.index("A-1")
    assert "L-1\n" not in seen
    assert "1 day late" not in seen


@pytest.mark.parametrize("source", SOURCES)
def test_whoever_belongs_to_several_organizations_is_shown_with_each(
    app: Flask, world: World, acme: Things, globex: Things, source: str
) -> None:
    with app.app_context():
        user = make_user("both@freelance.example", "Bo Both")
        for organization_id, role in (
            (acme.organization_id, Role.VIEWER),
            (globex.organization_id, Role.BILLING),
        ):
            add_member(db.session.get_one(Organization, organization_id), user, role)
        db.session.commit()
    answer = ask(app, source, "both@freelance.example")
    CHECKS[source](answer.get_json())
    for organization_id in (acme.organization_id, globex.organization_id):
        assert f"/admin/organizations/{organization_id}" in answer.text
        with app.app_context():
            assert [row.user_email for row in tickets_of(organization_id)] == ["both@freelance.example"]
            assert len(opened(organization_id)) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_more_than_five_organizations_are_counted(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        user = make_user("many@freelance.example", "Many Places")
        for number in range(8):
            add_member(make_organization(f"Client {number}"), user, Role.MEMBER)
        db.session.commit()
    answer = ask(app, source, "many@freelance.example")
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    assert re.findall(r"Client \d", seen) == [f"Client {number}" for number in range(5)]
    assert "Belongs to 3 more." in seen
    assert "/admin/organizations?q=many%40freelance.example" in answer.text


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("email", [None, "", "nobody@nowhere.example", "x" * 300, "a\x00b@acme.example"])
def test_an_unknown_requester_is_named_as_one_and_leaves_no_trace(
    app: Flask, acme: Things, source: str, email: str | None
) -> None:
    before = lasting(app)
    answer = ask(app, source, email)
    CHECKS[source](answer.get_json())
    seen = words(source, answer)
    is_known = email == "nobody@nowhere.example"
    wanted = "No account has this address." if is_known else "The ticket has no email address"
    assert wanted in seen
    assert "they sign in with" in seen
    assert "/admin/organizations?q=" in answer.text
    assert "acme" not in seen.lower()
    assert lasting(app) == before


@pytest.mark.parametrize("source", SOURCES)
def test_people_without_an_organization_and_disabled_ones(app: Flask, world: World, source: str) -> None:
    with app.app_context():
        make_user("alone@nowhere.example", "Al One").disabled_at = utcnow()
        db.session.commit()
    seen = words(source, ask(app, source, "alone@nowhere.example"))
    assert "Belongs to no organization." in seen
    assert "Disabled since" in seen
    assert "Support" in words(source, ask(app, source, world.support_email))


def test_help_scout_tries_all_addresses_and_takes_unsaved_conversations(app: Flask, acme: Things) -> None:
    body = helpscout_body("private@home.example", emails=("other@home.example", "Viewer@acme.example"))
    body["ticket"] = False
    answer = send(app, helpscout_request(body))
    assert "Viewer of Acme" in words("helpscout", answer)
    with app.app_context():
        assert [row.ticket_id for row in tickets_of(acme.organization_id)] == ["draft"]


def test_intercoms_older_name_and_its_button_are_understood(app: Flask, acme: Things) -> None:
    body = intercom_body(OWNER)
    body["customer"] = body.pop("contact")
    first = send(app, intercom_request(body))
    _, raw, headers = intercom_request({**body, "component_id": "refresh", "input_values": {}})
    second = send(app, ("/v1/help-desk/intercom/submit", raw, headers))
    check_intercom(second.get_json())
    assert "Owner of Acme" in words("intercom", first)
    assert "showed the support team this organization beside ticket 4711" in words("intercom", second)


@pytest.mark.parametrize("admin", [None, {}, "Dana"])
def test_intercoms_messenger_which_customers_see_is_not_answered(
    app: Flask, acme: Things, admin: Any
) -> None:
    body = {**intercom_body(OWNER), "admin": admin}
    answer = send(app, intercom_request(body))
    assert answer.status_code == 422
    assert "acme" not in answer.text.lower()


@pytest.mark.parametrize("source", ["intercom", "helpscout"])
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"conversation": 5}'])
def test_a_signed_body_that_makes_no_sense_is_said_to(
    app: Flask, world: World, source: str, body: bytes
) -> None:
    make = intercom_request if source == "intercom" else helpscout_request
    answer = send(app, make(body))
    if source == "helpscout" and body.startswith(b"{") and len(body) > 1:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 422
        assert answer.get_json()["error"]["message"]


@pytest.mark.parametrize("ticket", ["", "a b", "x" * 65, "<b>", None, 1.5, True, {}, "\u0661"])
def test_a_ticket_without_a_proper_id_is_refused(app: Flask, acme: Things, ticket: Any) -> None:
    body = intercom_body(OWNER)
    body["conversation"]["id"] = ticket
    assert send(app, intercom_request(body)).status_code == 422
    assert send(app, zendesk_request(OWNER, ticket_id=ticket)).status_code == 422


@pytest.mark.parametrize("source", SOURCES)
def test_bodies_are_bounded(app: Flask, world: World, source: str) -> None:
    path, _, headers = request_of(source, OWNER)
    answer = send(app, (path, b"x" * 1_100_000, headers))
    assert (answer.status_code, answer.is_json) == (413, True)


def test_asking_is_limited(app: Flask, world: World) -> None:
    request = request_of("helpscout", "nobody@nowhere.example")
    statuses = [send(app, request).status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
