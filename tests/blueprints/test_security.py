"""The security screen over HTTP: proofs, setting up, devices, the password."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from werkzeug.test import TestResponse

from portal.extensions import db
from portal.identity.models import RecoveryCode, SecondFactor
from portal.identity.second_factor import has_second_factor
from portal.identity.sessions import find_session
from tests.blueprints.signing import NEW, OWNER, STAFF, cookie, make_stale, user_of
from tests.blueprints.web import Browser, dump, start
from tests.factories import PASSWORD, World
from tests.support.totp import code_now, fresh_code
from tests.visitor import Visitor

Browse = Callable[[str | None], Browser]
Visit = Callable[..., Visitor]


CODE = re.compile(r"\b(?:[2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}\b")


def test_staff_set_it_up_and_are_let_in_and_cannot_switch_it_off(
    app: Flask, world: World, visit: Visit
) -> None:
    with app.app_context():
        db.session.execute(delete(SecondFactor))
        db.session.commit()
    visitor = visit(STAFF)
    assert visitor.get("/admin/organizations").headers["Location"] == "/account/security"
    assert "Staff pages open once your second factor is set up" in visitor.get("/account/security").text
    assert set_up(visitor).status_code == 201
    assert visitor.get("/admin/organizations").status_code == 200
    assert "Switch off" not in visitor.get("/account/security").text
    with app.app_context():
        db.session.execute(update(SecondFactor).values(last_step=0))
        db.session.commit()
    answer = visitor.post(
        "/account/security/second-factor/off", {"password": PASSWORD, "code": code_now(KEYS[0])}
    )
    assert answer.status_code == 422
    assert "Staff need a second factor" in answer.text
    with app.app_context():
        assert has_second_factor(user_of(STAFF).id)


KEYS: list[str] = []


def set_up(visitor: Visitor) -> TestResponse:
    """As a person would: read the secret off the page, type the app's code. The secret is left in `KEYS`."""
    page = visitor.get("/account/security/second-factor").text
    sealed = re.search(r'name="setup"[^>]* value="([^"]+)"', page)
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert sealed
    assert secret
    KEYS[:] = [secret[1].replace(" ", "")]
    data = {"setup": sealed[1], "code": code_now(KEYS[0])}
    return visitor.post("/account/security/second-factor", data)


def test_setting_up_shows_the_secret_as_picture_and_text_and_the_codes_once(
    app: Flask, world: World, visit: Visit
) -> None:
    visitor = visit(OWNER)
    page = visitor.get("/account/security/second-factor")
    assert page.headers["Cache-Control"] == "no-store"
    picture = re.search(r'<svg[^>]*class="qr".*?</svg>', page.text, re.DOTALL)
    assert picture
    assert "style" not in picture[0]
    assert "<script" not in picture[0]
    before = cookie(visitor)
    made = set_up(visitor)
    codes = CODE.findall(made.text)
    assert (made.status_code, len(set(codes)), made.headers["Cache-Control"]) == (201, 10, "no-store")
    assert cookie(visitor) != before
    for path in ("/account/security", "/account/security/second-factor"):
        assert not set(codes) & set(CODE.findall(visitor.get(path).text))
    kept = visitor.post("/account/security/codes/kept", {"kept_code": codes[4]})
    assert kept.headers["Location"] == "/account/security"
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(RecoveryCode.used_at.is_(None))) == 10


def test_a_wrong_first_code_keeps_the_same_secret(world: World, visit: Visit) -> None:
    visitor = visit(OWNER)
    page = visitor.get("/account/security/second-factor").text
    sealed = re.search(r'name="setup"[^>]* value="([^"]+)"', page)
    assert sealed
    refused = visitor.post("/account/security/second-factor", {"setup": sealed[1], "code": "000000"})
    assert refused.status_code == 422
    secret = re.compile(r'id="secret">([A-Z2-7 ]+)<')
    assert secret.findall(refused.text) == secret.findall(page)
    stale = visitor.post("/account/security/second-factor", {"setup": "noise", "code": "000000"})
    assert stale.headers["Location"] == "/account/security/second-factor"


PROVED = (
    ("GET", "/account/security/second-factor", {}),
    ("POST", "/account/security/second-factor", {"setup": "x", "code": "1"}),
    ("POST", "/account/security/codes", {}),
    ("POST", "/account/security/sessions", {"end": "others"}),
)


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(("method", "path", "data"), PROVED)
def test_an_old_proof_is_renewed_first_and_nothing_is_changed(
    app: Flask, factor: list[str], browse: Browse, method: str, path: str, data: dict[str, str], htmx: bool
) -> None:
    owner = browse(OWNER)
    start(app, OWNER)
    make_stale(app)
    before = dump(app)
    answer = owner.send(method, path, data, **({"HX_Request": "true"} if htmx else {}))
    back = path if method == "GET" else "/account/security"
    wanted = f"/account/security/confirm?next={back}"
    assert answer.headers["HX-Redirect" if htmx else "Location"] == wanted
    assert dump(app) == before


def test_after_confirming_it_works(app: Flask, factor: list[str], visit: Visit) -> None:
    visitor = visit(OWNER)
    other = start(app, OWNER)
    make_stale(app)
    with app.app_context():
        code = fresh_code(db.engine, OWNER)
    page = "/account/security/confirm?next=/account/security"
    assert 'autocomplete="one-time-code"' in visitor.get(page).text
    before = cookie(visitor)
    answer = visitor.post(
        "/account/security/confirm", {"password": PASSWORD, "code": code, "next": "/account/security"}
    )
    assert answer.headers["Location"] == "/account/security"
    assert cookie(visitor) != before
    visitor.post("/account/security/sessions", {"end": "others"})
    with app.app_context():
        assert find_session(other) is None
        assert find_session(before) is None


@pytest.mark.parametrize("hostile", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_confirming_leads_nowhere_else(world: World, visit: Visit, hostile: str) -> None:
    visitor = visit(OWNER)
    answer = visitor.post("/account/security/confirm", {"password": PASSWORD, "next": hostile})
    assert answer.headers["Location"] == "/account"


def test_the_devices_are_listed_and_one_of_somebody_else_is_a_missing_one(
    app: Flask, world: World, visit: Visit
) -> None:
    theirs = start(app, "owner@globex.example")
    visitor = visit(OWNER)
    start(app, OWNER)
    page = visitor.get("/account/security").text
    assert page.count("This device") == 2  # the badge, and the foot
    assert visitor.get("/account/sessions").headers["Location"] == "/account/security#devices"
    with app.app_context():
        found = find_session(theirs)
    assert found is not None
    assert visitor.post("/account/security/sessions", {"end": found.session_id}).status_code == 404
    with app.app_context():
        assert find_session(theirs) is not None


def test_a_new_password_signs_in_and_the_old_one_does_not(app: Flask, world: World, visit: Visit) -> None:
    visitor, elsewhere = visit(OWNER), start(app, OWNER)
    before = cookie(visitor)
    data = {"password": PASSWORD, "new_password": NEW, "end_others": "y"}
    assert visitor.post("/account/security/password", data).headers["Location"] == "/account/security"
    assert cookie(visitor) != before
    with app.app_context():
        assert [find_session(token) for token in (before, elsewhere)] == [None, None]
    assert visit().sign_in(OWNER).status_code == 422
    assert visit().sign_in(OWNER, NEW).status_code == 303
