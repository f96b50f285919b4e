"""The note in the product: for whom it is meant, until it is dismissed or done; never for the control group."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal.context import Services
from portal.extensions import db
from portal.identity.models import User
from portal.kit.clock import utcnow
from portal.nudges.models import Nudge, NudgeGroup
from portal.permissions import Role
from portal.rollout.models import ScreenFlag
from tests.blueprints.web import Browser
from tests.conftest import SERVICE_TOKEN, make_settings
from tests.factories import World
from tests.portal.nudges.writing import make_nudge, used
from wsgi import create_app

Browse = Callable[[str | None], Browser]
OWNER, TITLE = "owner@acme.example", "See your usage and limits"
TOKEN = {"Authorization": f"Bearer {SERVICE_TOKEN}"}


@pytest.fixture
def nudge_id(app: Flask, world: World) -> str:
    """Acme's owner is to be told of usage."""
    with app.app_context():
        return make_nudge(world.acme, Role.OWNER)


def asked(browser: Browser, **who: str) -> tuple[int, str]:
    query = "&".join(f"{name}={value}" for name, value in who.items())
    answer = browser.send("GET", f"/v1/nudge?{query}", None, **TOKEN)
    return answer.status_code, (answer.json or {}).get("title", "")


def places(browse: Browse, world: World) -> set[str]:
    """Where Acme's owner finds the note."""
    product, owner = browse(None), browse(OWNER)
    user_id = world.acme.users[Role.OWNER]
    found = {
        "by id": asked(product, user=user_id) == (200, TITLE),
        "by address": asked(product, email="Owner@Acme.example") == (200, TITLE),
        "frame": TITLE in owner.send("GET", "/nudge/frame").text,
        "home": TITLE in owner.send("GET", "/").text,
    }
    return {place for place, is_there in found.items() if is_there}


EVERYWHERE = {"by id", "by address", "frame", "home"}


def test_the_note_is_in_the_product_for_whom_it_is_meant(
    app: Flask, world: World, nudge_id: str, browse: Browse
) -> None:
    assert places(browse, world) == EVERYWHERE
    answer = browse(None).send("GET", f"/v1/nudge?email={OWNER}", None, **TOKEN)
    assert answer.json == {
        "title": TITLE,
        "text": "The Usage page shows what is used, what is included and when the count starts again.",
        "url": "http://localhost/account/usage",
        "dismiss_url": f"http://localhost/v1/nudge/{nudge_id}/dismiss",
    }


@pytest.mark.parametrize("path", ["/nudge/frame", "/", f"/v1/nudge?email={OWNER}"])
def test_it_is_noted_when_it_was_first_shown(app: Flask, nudge_id: str, browse: Browse, path: str) -> None:
    times = []
    for method in ("HEAD", "GET", "GET"):
        browse(OWNER).send(method, path, None, **TOKEN).close()
        with app.app_context():
            times.append(db.session.get_one(Nudge, nudge_id).shown_at)
    assert times[0] is None
    assert times[1] == times[2] is not None


def test_nobody_else_finds_it(world: World, nudge_id: str, browse: Browse) -> None:
    for email in ("admin@acme.example", "owner@globex.example", "lead@portal.example", None):
        browser = browse(email)
        frame = browser.send("GET", "/nudge/frame")
        assert (frame.status_code, frame.data) == (204, b"")
        assert "Content-Type" not in frame.headers
        assert TITLE not in browser.send("GET", "/").text
        if email:
            assert asked(browser, email=email) == (204, "")
    assert asked(browse(None), user="usr_unknown") == (204, "")


ENDS: dict[str, Callable[[World, Nudge], object]] = {
    "the screen was used": lambda world, nudge: used(world.acme, Role.OWNER, "usage", utcnow()),
    "the screen was closed": lambda world, nudge: db.session.add(ScreenFlag(screen="usage", percent=0)),
    "it was dismissed": lambda world, nudge: setattr(nudge, "dismissed_at", utcnow()),
    "they are in the control group": lambda world, nudge: setattr(nudge, "group", NudgeGroup.CONTROL),
    "the account is disabled": lambda world, nudge: setattr(
        db.session.get_one(User, nudge.user_id), "disabled_at", utcnow()
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_it_goes_when_it_is_over(app: Flask, world: World, nudge_id: str, browse: Browse, end: str) -> None:
    if end != "the account is disabled":
        owner = browse(OWNER)
        assert TITLE in owner.send("GET", "/nudge/frame").text
    with app.app_context():
        ENDS[end](world, db.session.get_one(Nudge, nudge_id))
        db.session.commit()
    if end == "the account is disabled":
        assert asked(browse(None), email=OWNER) == (204, "")
    else:
        assert places(browse, world) == set()


@pytest.mark.parametrize(("days", "is_quiet"), [(13, True), (15, False)])
def test_after_a_dismissal_two_weeks_are_quiet(
    app: Flask, world: World, nudge_id: str, browse: Browse, days: int, is_quiet: bool
) -> None:
    with app.app_context():
        other = make_nudge(world.acme, Role.OWNER, "team_invite", screen="team")
        db.session.get_one(Nudge, other).dismissed_at = utcnow() - timedelta(days=days)
        db.session.commit()
    assert places(browse, world) == (set() if is_quiet else EVERYWHERE)


@pytest.mark.parametrize("how", ["frame", "plain form", "fragment", "product"])
def test_dismissed_it_stays_dismissed(
    app: Flask, world: World, nudge_id: str, browse: Browse, how: str
) -> None:
    owner, path = browse(OWNER), f"/nudge/{nudge_id}/dismiss"
    if how == "frame":
        answer = owner.send("POST", path, {"in": "frame"})
        assert (answer.status_code, "not shown again" in answer.text) == (200, True)
    elif how == "plain form":
        answer = owner.send("POST", path, {"next": "/"})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    elif how == "fragment":
        answer = owner.send("POST", path, HX_Request="true")
        assert (answer.status_code, answer.data) == (200, b"")
    else:
        answer = browse(None).send("POST", f"/v1{path}", None, token="", **TOKEN)
        assert (answer.status_code, answer.data) == (204, b"")
    assert places(browse, world) == set()
    with app.app_context():
        first = db.session.get_one(Nudge, nudge_id).dismissed_at
    assert owner.send("POST", path).status_code == 303
    with app.app_context():
        assert db.session.get_one(Nudge, nudge_id).dismissed_at == first is not None


@pytest.mark.parametrize("email", ["admin@acme.example", "owner@globex.example", "lead@portal.example"])
def test_nobody_dismisses_somebody_elses(world: World, nudge_id: str, browse: Browse, email: str) -> None:
    browser = browse(email)
    answers = [browser.send("POST", f"/nudge/{each}/dismiss") for each in (nudge_id, "ndg_unknown")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert places(browse, world) == EVERYWHERE


def test_the_api_wants_a_service_token(world: World, nudge_id: str, browse: Browse) -> None:
    owner = browse(OWNER)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {SERVICE_TOKEN}"}):
        for method, path in (("GET", f"/v1/nudge?email={OWNER}"), ("POST", f"/v1/nudge/{nudge_id}/dismiss")):
            answer = owner.send(method, path, None, **headers)
            assert (answer.status_code, answer.mimetype) == (401, "application/json"), path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert TITLE not in answer.text
    assert places(browse, world) == EVERYWHERE


@pytest.mark.parametrize("query", ["", "user=&email=", "user=usr_1&email=a@b.example"])
def test_the_api_wants_one_person(world: World, browse: Browse, query: str) -> None:
    assert browse(None).send("GET", f"/v1/nudge?{query}", None, **TOKEN).status_code == 422


def test_only_the_product_may_frame_it(app: Flask, world: World, nudge_id: str, browse: Browse) -> None:
    owner = browse(OWNER)
    for method, path in (("GET", "/nudge/frame"), ("POST", f"/nudge/{nudge_id}/dismiss")):
        headers = owner.send(method, path, {"in": "frame"}).headers
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"], "PRODUCT_URL is a path here"
        assert "X-Frame-Options" not in headers
    services: Services = app.extensions["portal"]
    settings = make_settings(services.settings.database_url, product_url="https://app.skylark.example/home")
    with create_app(settings).test_client() as client:
        policy = client.get("/nudge/frame").headers["Content-Security-Policy"]
        assert "frame-ancestors https://app.skylark.example;" in policy
        assert client.get("/").headers["X-Frame-Options"] == "DENY"


def test_the_frame_has_no_script_and_its_link_leaves_it(nudge_id: str, browse: Browse) -> None:
    text = browse(OWNER).send("GET", "/nudge/frame").text
    assert "<script" not in text
    assert 'target="_top"' in text
    assert text.count("<form") == 1
