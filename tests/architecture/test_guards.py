"""Every route says who may enter, and lets in exactly those."""

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.routing import Rule

from blueprints._guards import Door, Guard, guard_of
from demo.usage import write_usage
from portal.kit.clock import utcnow
from portal.permissions import Permission, Role, StaffRole, role_allows, staff_allows
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, routes

STAFF = {"support@portal.example": StaffRole.SUPPORT, "lead@portal.example": StaffRole.LEAD}
PEOPLE = [None, *(f"{role}@acme.example" for role in Role), *STAFF]
INSIDE = {"team.confirm_removal": Permission.MEMBERS_MANAGE, "team.remove": Permission.MEMBERS_MANAGE}
"""Views that are open to everybody signed in, about themselves; for somebody else they need this."""
REFUSED_BY_RULE = {
    ("invitation.accept", 409),
    ("security.prove", 422),
    ("security.turn_off", 422),
    ("security.make_codes", 409),
    ("security.keep_codes", 422),
    ("admin.add_document", 422),
    ("billing.confirm_switch", 422),
    ("admin.deflection_csv", 422),
}
"""Somebody signed in is let in and told: that the invitation is another person's, that a code is wrong or missing,
that there is no contract for a document, that no other plan is offered, that no quarter was named."""
SIGNED = {
    *("ops.metrics", "api.zendesk", "api.intercom_initialize", "api.intercom_submit", "api.helpscout"),
    *("api.nudge", "api.dismiss_nudge"),
}
"""Open to everybody, and then to be signed; see test_help_desk_signatures.py, test_work.py and test_nudges.py."""
OWN_PLACES = {"account.switch_organization"}
OF_THE_OWNER = {"notifications.open_one", "notifications.read_one", "nudges.dismiss_note"}
"""About an entry in the inbox of Acme's owner, or their note: for everybody else there is no such thing."""


def test_every_route_carries_a_guard(app: Flask) -> None:
    with app.app_context():
        bare = [
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint != "static" and not guard_of(rule.endpoint)
        ]
    assert bare == []


@pytest.mark.parametrize("email", [None, "owner@acme.example", "lead@portal.example"])
def test_a_route_without_a_guard_answers_403(
    app: Flask, browse: Callable[[str | None], Browser], email: str | None
) -> None:
    app._got_first_request = False  # a route can be added before the first request only
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret", methods=["GET", "POST"])
    browser = browse(email)
    assert browser.send("GET", "/forgotten").status_code == 403
    answer = browser.send("POST", "/forgotten")
    assert (answer.status_code, "secret" in answer.text) == (403, False)


def expected(guard: Guard, endpoint: str, email: str | None) -> str:
    """`in`, `forbidden`, `missing` or `sign-in`, by the guard and the one dict of permissions."""
    if guard.door is Door.PUBLIC:
        return "in"
    if email is None:
        return "sign-in"
    if guard.door is Door.STAFF:
        assert guard.staff_role is not None
        held = STAFF.get(email)
        return "missing" if held is None else ("in" if staff_allows(held, guard.staff_role) else "forbidden")
    if endpoint in OF_THE_OWNER:
        return "in" if email == "owner@acme.example" else "missing"
    if endpoint in OWN_PLACES:
        return "missing" if email in STAFF else "in"
    permission = guard.permission or INSIDE.get(endpoint)
    if permission is None:
        return "in"
    return (
        "in" if email not in STAFF and role_allows(Role(email.partition("@")[0]), permission) else "forbidden"
    )


def outcome(browser: Browser, rule: Rule, method: str, acme: Things) -> str:
    filled = form(rule.endpoint, acme) if method != "GET" else None
    answer = browser.send(method, address(rule, acme), filled)
    location = answer.headers.get("Location", "")
    if answer.status_code == 303 and location.startswith("/auth/sign-in?next="):
        return "sign-in"
    if rule.endpoint in SIGNED and answer.status_code == 401:
        return "in"
    refused = {403: "forbidden", 404: "missing"}.get(answer.status_code)
    if refused or rule.endpoint == "webhooks.receive_stripe_event":
        return refused or ("in" if answer.status_code == 400 else answer.status)
    fits = answer.status_code < 400 or (rule.endpoint, answer.status_code) in REFUSED_BY_RULE
    return "in" if fits else answer.status


@pytest.fixture
def nothing_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one commit becomes a flush, so that one route does not take from the next what it is about."""
    monkeypatch.setattr("blueprints._requests.db.session.commit", app.extensions["sqlalchemy"].session.flush)


@pytest.mark.parametrize("email", PEOPLE)
def test_the_answer_of_every_route_equals_the_matrix(
    app: Flask,
    acme: Things,
    browse: Callable[[str | None], Browser],
    email: str | None,
    metering_url: str,
    request: pytest.FixtureRequest,
) -> None:
    write_usage(metering_url, acme.organization_id, until=utcnow(), monthly_start=100, growth=0.0, seed=1)
    browser = browse(email)
    request.getfixturevalue("nothing_stays")
    wanted, found = {}, {}
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            with app.app_context():
                guard = guard_of(rule.endpoint)
            assert guard is not None
            name = f"{method} {rule.rule}"
            wanted[name], found[name] = (
                expected(guard, rule.endpoint, email),
                outcome(browser, rule, method, acme),
            )
    assert found == wanted
