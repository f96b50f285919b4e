"""A screen that is switched off: nowhere to be seen, refused whatever is sent, and what to do meanwhile is said."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import html5lib
import pytest
from flask import Flask
from sqlalchemy import event

from portal.extensions import db
from portal.permissions import Role
from portal.rollout.models import ScreenFlag, ScreenFlagOrganization
from portal.scope.document import portal_scope
from portal.scope.screens import SCREENS, screen_of
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, dump, routes
from tests.factories import World

Browse = Callable[[str | None], Browser]
CLOSABLE = [screen.name for screen in SCREENS if screen.can_be_closed]


def close(app: Flask, *screens: str, organization_id: str | None = None) -> None:
    """For one organization, or for all."""
    with app.app_context():
        for screen in screens:
            if organization_id:
                db.session.add(
                    ScreenFlagOrganization(screen=screen, organization_id=organization_id, is_on=False)
                )
            else:
                db.session.add(ScreenFlag(screen=screen, percent=0))
        db.session.commit()


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note := lambda *given: asked.append(given[2]))
    yield asked
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "fragment"])
def test_every_route_of_a_closed_screen_refuses_and_no_other(
    app: Flask, acme: Things, browse: Browse, htmx: bool
) -> None:
    close(app, *CLOSABLE, organization_id=acme.organization_id)
    owner, headers = browse("owner@acme.example"), {"HX_Request": "true"} if htmx else {}
    before, refused = dump(app), 0
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            screen = screen_of(rule.endpoint)
            if screen is None or not screen.can_be_closed:
                continue
            data = form(rule.endpoint, acme) if changing else None
            answer = owner.send(method, address(rule, acme), data, **headers)
            assert answer.status_code == 403, f"{method} {rule.rule}"
            if not htmx:
                html5lib.HTMLParser(strict=True).parse(answer.text)
            assert ("is closed at the moment" in answer.text) is not htmx, f"{method} {rule.rule}"
            assert ("closed to Acme at the moment" in answer.headers.get("HX-Trigger", "")) is htmx
            refused += 1
    assert refused > 40
    assert dump(app) == before
    for path in ("profile", "security", "notifications", "help"):
        assert owner.send("GET", f"/account/{path}").status_code == 200, path


def test_closed_for_one_organization_is_open_for_the_other(app: Flask, world: World, browse: Browse) -> None:
    close(app, "team", organization_id=world.acme.organization_id)
    assert browse("owner@acme.example").send("GET", "/account/team").status_code == 403
    assert browse("owner@globex.example").send("GET", "/account/team").status_code == 200


def test_a_closed_screen_is_in_no_navigation_and_no_link_leads_to_it(
    app: Flask, world: World, acme: Things, browse: Browse
) -> None:
    owner = browse("owner@acme.example")
    for closed in CLOSABLE:
        with app.app_context():
            db.session.query(ScreenFlagOrganization).delete()
            db.session.commit()
        close(app, closed, organization_id=acme.organization_id)
        link = re.compile(rf'(href|action|hx-\w+)="/account/{closed}["/?#]')
        for rule, method in routes(app, changing=False):
            screen = screen_of(rule.endpoint)
            if screen is None or screen.name == closed:
                continue
            answer = owner.send(method, address(rule, acme))
            if answer.mimetype == "text/html":
                assert not link.search(answer.text), f"{closed} on {rule.rule}"


def test_the_account_opens_with_the_first_open_screen(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    close(app, "team", "billing")
    assert owner.send("GET", "/account").location == "/account/usage"
    close(app, "usage", "invoices", "api-keys", "activity")
    assert owner.send("GET", "/account").location == "/account/profile"
    assert owner.send("GET", "/settings/members").location == "/account/team"
    assert "Team is closed at the moment" in owner.send("GET", "/account/team").text


def test_the_page_says_how_to_get_it_done_meanwhile(app: Flask, world: World, browse: Browse) -> None:
    close(app, "billing")
    scope = portal_scope()
    assert scope
    does = scope.screen("billing")
    assert does
    page = browse("owner@acme.example").send("GET", "/account/billing").text
    assert "Billing is closed at the moment" in page
    assert does.text in page
    assert "Write to the person you know at Skylark" in page
    app.extensions["portal"].settings.__dict__["support_email"] = "help@skylark.example"
    page = browse("owner@acme.example").send("GET", "/account/billing").text
    assert 'href="mailto:help@skylark.example?subject=Billing"' in page
    assert '<a class="nav__link" href="/account/team"' in page, "the way on"


def test_who_may_not_open_it_anyway_is_told_so(app: Flask, world: World, browse: Browse) -> None:
    close(app, "billing")
    page = browse("viewer@acme.example").send("GET", "/account/billing").text
    assert "Your role does not allow this" in page
    assert "Billing" not in browse("viewer@acme.example").send("GET", "/account/help").text


def test_staff_in_a_view_see_what_the_owner_sees(app: Flask, world: World, browse: Browse) -> None:
    close(app, "usage", organization_id=world.acme.organization_id)
    support = browse("support@portal.example")
    path = f"/admin/organizations/{world.acme.organization_id}/view"
    assert support.send("POST", path, {"reason": "Looking into a ticket"}).status_code == 303
    assert "Usage is closed at the moment" in support.send("GET", "/account/usage").text
    assert 'href="/account/usage"' not in support.send("GET", "/account/team").text


def test_flags_cost_a_page_no_query(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    owner.send("GET", "/account/profile")
    with counted(app) as without:
        owner.send("GET", "/account/profile")
    close(app, "usage", organization_id=world.acme.organization_id)
    close(app, "team")
    with counted(app) as with_flags:
        owner.send("GET", "/account/profile")
    assert len(with_flags) == len(without)


def test_help_says_what_one_does_oneself_and_what_support_does(
    app: Flask, world: World, browse: Browse
) -> None:
    close(app, "usage", organization_id=world.acme.organization_id)
    page = browse("owner@acme.example").send("GET", "/account/help").text
    own, support = page.partition('id="support"')[::2]
    assert '<dt><a href="/account/billing">Billing</a></dt>' in own
    assert "Usage" not in own.partition('id="yourself"')[2]
    assert "While this screen is closed to Acme." in support
    assert "Refunds beyond 30 days" in support
    viewer = browse(f"{Role.VIEWER}@acme.example").send("GET", "/account/help").text
    assert "/account/billing" not in viewer
    assert "Refunds beyond 30 days" in viewer


def test_help_without_a_scope_still_names_a_way(
    app: Flask, world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.scope.offer.portal_scope", lambda: None)
    page = browse("owner@acme.example").send("GET", "/account/help").text
    assert "Whatever no screen does." in page
    assert "Reach a person" in page
