"""Each screen's happy way, as a whole page without script and as a fragment with it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.permissions import Role
from portal.team.models import Invitation
from tests.blueprints.things import Things
from tests.blueprints.web import Browser
from tests.factories import World
from tests.visitor import Visitor

Visit = Callable[..., Visitor]
Browse = Callable[[str | None], Browser]
HTMX = {"HX_Request": "true"}


def stored(app: Flask, kind: type, key: str) -> Any:
    with app.app_context():
        return db.session.get(kind, key)


def test_signing_in_leads_where_one_wanted_to_go(app: Flask, world: World, visit: Visit) -> None:
    visitor = visit()
    asked = visitor.get("/account/team?q=a")
    assert (asked.status_code, asked.location) == (303, "/auth/sign-in?next=/account/team?q%3Da")
    page = visitor.get(asked.location)
    assert 'value="/account/team?q=a"' in page.text
    done = visitor.post(
        "/auth/sign-in",
        {"email": "OWNER@acme.example ", "password": "correct horse battery", "next": "/account/team?q=a"},
    )
    assert (done.status_code, done.location) == (303, "/account/team?q=a")
    assert visitor.get("/account/team").status_code == 200


def test_signing_in_changes_session_and_token(app: Flask, world: World, visit: Visit) -> None:
    visitor = visit()
    before = visitor.csrf_token()
    visitor.sign_in("owner@acme.example")
    first = visitor.client.get_cookie("portal_session").value
    assert visitor.csrf_token() != before
    visitor.sign_in("owner@acme.example")
    assert visitor.client.get_cookie("portal_session").value != first
    old = app.test_client()
    old.set_cookie("portal_session", first)
    assert old.get("/account/profile").status_code == 303, "the session that was signed in over is ended"


def test_signing_out_ends_the_session_everywhere(app: Flask, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    assert owner.send("POST", "/auth/sign-out").location == "/auth/sign-in"
    for path in ("/account/profile", "/account/invoices/x.pdf", "/account/usage/export.csv"):
        assert owner.send("GET", path).location.startswith("/auth/sign-in"), path
    assert owner.send("GET", "/account/team", **HTMX).headers["HX-Redirect"].startswith("/auth/sign-in")


@pytest.mark.parametrize(
    ("email", "first"),
    [
        ("owner@acme.example", "/account/team"),
        ("billing@acme.example", "/account/billing"),
        ("support@portal.example", "/admin/organizations"),
    ],
)
def test_the_account_opens_with_the_first_open_screen(browse: Browse, email: str, first: str) -> None:
    assert browse(email).send("GET", "/account").location == first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "/account/profile"),
        ("/members", "/account/team"),
        ("/keys", "/account/api-keys"),
        ("/whatever", "/account"),
    ],
)
def test_old_addresses_lead_on(app: Flask, world: World, old: str, new: str) -> None:
    assert app.test_client().get(f"/settings{old}").location == new


def test_the_own_name(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    assert owner.send("POST", "/account/profile", {"name": " Ana Ruiz "}).location == "/account/profile"
    assert stored(app, User, world.acme.users[Role.OWNER]).name == "Ana Ruiz"
    assert "Ana Ruiz" in owner.send("GET", "/account/profile").text
    assert stored(app, Membership, world.acme.members[Role.OWNER]).sort_name == "ana ruiz"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_role_as_a_form_and_as_a_row(app: Flask, world: World, browse: Browse, method: str) -> None:
    owner, member_id = browse("owner@acme.example"), world.acme.members[Role.VIEWER]
    path = f"/account/team/members/{member_id}/role"
    assert owner.send(method, path, {"role": "member"}).location == "/account/team"
    row = owner.send(method, path, {"role": "billing"}, **HTMX)
    assert (row.status_code, stored(app, Membership, member_id).role) == (200, Role.BILLING)
    assert f'id="member-{member_id}"' in row.text
    assert json.loads(row.headers["HX-Trigger"])["toast"]["kind"] == "success"
    assert "HX-Request" in row.headers["Vary"]


def test_a_refused_role_puts_the_row_back_with_the_reason(app: Flask, world: World, browse: Browse) -> None:
    owner, member_id = browse("owner@acme.example"), world.acme.members[Role.OWNER]
    path = f"/account/team/members/{member_id}/role"
    row = owner.send("PATCH", path, {"role": "member"}, **HTMX)
    assert row.status_code == 409
    assert "needs an owner" in row.text
    assert 'value="owner" selected' in row.text
    assert json.loads(row.headers["HX-Trigger"])["toast"]["kind"] == "error"
    assert stored(app, Membership, member_id).role == Role.OWNER


def test_removing_asks_once_more(app: Flask, acme: Things, browse: Browse) -> None:
    owner, path = browse("owner@acme.example"), f"/account/team/members/{acme.member_id}/remove"
    assert "<html" in owner.send("GET", path).text
    assert "<html" not in owner.send("GET", path, **HTMX).text
    assert stored(app, Membership, acme.member_id)
    assert owner.send("POST", path, **HTMX).headers["HX-Redirect"] == "/account/team"
    assert stored(app, Membership, acme.member_id) is None


def test_leaving_leads_to_the_profile(app: Flask, world: World, browse: Browse) -> None:
    viewer, member_id = browse("viewer@acme.example"), world.acme.members[Role.VIEWER]
    assert viewer.send("POST", f"/account/team/members/{member_id}/remove").location == "/account/profile"
    assert viewer.send("GET", "/account/profile").status_code == 200
    assert viewer.send("GET", "/account/team").status_code == 403


def test_searching_the_team(acme: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    found = owner.send("GET", "/account/team?q=TARGET", **HTMX).text
    assert "Target Person" in found
    assert "Viewer of Acme" not in found
    assert "Target Person" not in owner.send("GET", "/account/team?q=%25").text
    assert "Target Person" not in owner.send("GET", "/account/team?q=_").text


def test_inviting_sending_again_and_taking_back(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    answer = owner.send("POST", "/account/team/invitations", {"email": "New@Else.example", "role": "viewer"})
    assert answer.location == "/account/team"
    with app.app_context():
        sent = db.session.scalars(select(Invitation)).one()
    assert (sent.email, sent.role) == ("new@else.example", Role.VIEWER)
    assert "new@else.example" in owner.send("GET", "/account/team").text
    assert owner.send("POST", f"/account/team/invitations/{sent.id}/resend").location == "/account/team"
    assert stored(app, Invitation, sent.id).sent_count == 2
    assert owner.send("POST", f"/account/team/invitations/{sent.id}/revoke").location == "/account/team"
    assert stored(app, Invitation, sent.id).revoked_at is not None


def test_accepting_with_a_new_account_signs_in(app: Flask, acme: Things, visit: Visit) -> None:
    visitor = visit()
    page = visitor.get(f"/invitations/{acme.token}")
    assert page.status_code == 200
    assert "guest@acme.example" in page.text
    joined = visitor.post(
        f"/invitations/{acme.token}", {"name": "Gia Guest", "password": "a long enough password"}
    )
    assert (joined.status_code, joined.location) == (303, "/account")
    assert "Gia Guest" in visitor.get("/account/profile").text
    assert visitor.get(f"/invitations/{acme.token}").status_code == 410


def test_accepting_with_an_account_of_ones_own(app: Flask, world: World, browse: Browse) -> None:
    from portal.team.invitations import invitation_token, invite_member

    with app.app_context():
        sent = invite_member(world.acme.actor(), "member@globex.example", Role.ADMIN)
        db.session.commit()
        path = f"/invitations/{invitation_token(sent.id, 1)}"
    visitor = app.test_client().get(path)
    assert visitor.location == f"/auth/sign-in?next={path}"
    member = browse("member@globex.example")
    assert "Join Acme" in member.send("GET", path).text
    assert member.send("POST", path).location == "/account"
    assert ">Acme<" in member.send("GET", "/account/team").text


def test_activity_tells_what_happened(app: Flask, acme: Things, browse: Browse) -> None:
    page = browse("owner@acme.example").send("GET", "/account/activity").text
    assert "created the API key Nightly export" in page
    assert "invited guest@acme.example" in page


def test_staff_find_an_organization_and_see_its_file(app: Flask, acme: Things, browse: Browse) -> None:
    support = browse("support@portal.example")
    assert support.send("GET", "/admin").location == "/admin/organizations"
    assert "Globex" not in support.send("GET", "/admin/organizations?q=acme", **HTMX).text
    file = support.send("GET", f"/admin/organizations/{acme.organization_id}").text
    for told in ("owner@acme.example", "Nightly export", "A-1", "guest@acme.example", "created the API key"):
        assert told in file, told
    assert support.send("GET", "/admin/organizations/org_unknown").status_code == 404


def test_switching_the_organization(app: Flask, world: World, browse: Browse) -> None:
    from tests.factories import add_member

    with app.app_context():
        globex = db.session.get_one(Organization, world.globex.organization_id)
        add_member(globex, db.session.get_one(User, world.acme.users[Role.OWNER]), Role.VIEWER)
        db.session.commit()
    owner = browse("owner@acme.example")
    assert (
        owner.send("POST", "/account/organization", {"to": world.globex.organization_id}).location
        == "/account"
    )
    assert "Globex" in owner.send("GET", "/account/team").text
    assert owner.send("GET", "/account/billing").status_code == 403, "a viewer there"


def test_the_appearance_is_kept_in_this_browser(world: World, visit: Visit) -> None:
    visitor = visit("owner@acme.example")
    assert visitor.post("/account/appearance", {"theme": "dark"}).status_code == 303
    assert 'data-theme="dark"' in visitor.get("/account/profile").text
    assert visitor.post("/account/appearance", {"theme": "light"}, htmx=True).status_code == 204
    assert visitor.post("/account/appearance", {"theme": "<b>"}).status_code == 422
    assert 'data-theme="light"' in visitor.get("/account/profile").text


def test_a_restored_page_is_whole(world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    answer = owner.send("GET", "/account/team", HX_Request="true", HX_History_Restore_Request="true")
    assert "<html" in answer.text


def test_health(app: Flask, world: World) -> None:
    client = app.test_client()
    assert client.get("/healthz").get_json() == client.get("/readyz").get_json() == {"status": "ok"}
