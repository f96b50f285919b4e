"""No session before the second step, and no staff page without one."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from blueprints._guards import Door, guard_of
from portal.extensions import db
from portal.identity.models import SecondFactor, UserSession
from portal.identity.sessions import find_session
from tests.blueprints.signing import OWNER, STAFF, cookie, give_password, user_of
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, dump, routes, start
from tests.conftest import ENGINES
from tests.factories import PASSWORD, World
from tests.support.totp import code_now
from tests.visitor import Visitor

Browse = Callable[[str | None], Browser]
Visit = Callable[..., Visitor]


def sessions_count(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(UserSession)) or 0


@pytest.mark.parametrize("htmx", [False, True])
def test_there_is_no_session_before_the_second_step(
    app: Flask, factor: list[str], visit: Visit, htmx: bool
) -> None:
    visitor = visit()
    answer = visitor.post(
        "/auth/sign-in", {"email": OWNER, "password": PASSWORD, "next": "/account/team"}, htmx=htmx
    )
    assert answer.headers["HX-Redirect" if htmx else "Location"] == "/auth/second-factor"
    assert (cookie(visitor), cookie(visitor, "portal_device"), sessions_count(app)) == ("", "", 0)
    assert visitor.get("/account/team").headers["Location"].startswith("/auth/sign-in")
    wrong = visitor.post("/auth/second-factor", {"code": "000000"}, htmx=htmx)
    assert (wrong.status_code, cookie(visitor)) == (422, "")
    right = visitor.post("/auth/second-factor", {"code": code_now()}, htmx=htmx)
    assert right.headers["HX-Redirect" if htmx else "Location"] == "/account/team"
    assert cookie(visitor)
    assert cookie(visitor, "portal_device")
    assert visitor.get("/account/team").status_code == 200


def test_the_code_field_is_for_one_time_codes_and_recovery_codes_have_their_own(
    factor: list[str], visit: Visit
) -> None:
    visitor = visit()
    give_password(visitor)
    page = visitor.get("/auth/second-factor").text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    page = visitor.get("/auth/second-factor?with=recovery-code").text
    assert 'inputmode="numeric"' not in page
    answer = visitor.post("/auth/second-factor?with=recovery-code", {"code": factor[0].lower()})
    assert answer.headers["Location"] == "/account"


def test_without_the_first_step_there_is_no_second(world: World, visit: Visit) -> None:
    visitor = visit()
    for answer in (
        visitor.get("/auth/second-factor"),
        visitor.post("/auth/second-factor", {"code": code_now()}),
    ):
        assert answer.headers["Location"] == "/auth/sign-in"
    assert cookie(visitor) == ""


def test_a_password_changed_in_between_ends_what_is_pending(
    app: Flask, factor: list[str], visit: Visit
) -> None:
    visitor = visit()
    give_password(visitor)
    with app.app_context():
        user_of(OWNER).password_hash = user_of("admin@acme.example").password_hash + " "  # type: ignore[operator]
        db.session.commit()
    answer = visitor.post("/auth/second-factor", {"code": code_now()})
    assert (answer.headers["Location"], cookie(visitor)) == ("/auth/sign-in", "")
    assert visitor.get("/auth/second-factor").headers["Location"] == "/auth/sign-in"


def test_a_forged_pending_state_is_nothing(app: Flask, factor: list[str], visit: Visit) -> None:
    visitor = visit()
    give_password(visitor)
    kept = cookie(visitor, "portal")
    visitor.client.set_cookie("portal", kept[:-4] + ("AAAA" if kept[-4:] != "AAAA" else "BBBB"))
    assert visitor.get("/auth/second-factor").headers["Location"] == "/auth/sign-in"


def test_a_token_that_was_planted_is_not_taken_over(app: Flask, factor: list[str], visit: Visit) -> None:
    visitor = visit()
    planted = start(app, "viewer@acme.example")
    visitor.client.set_cookie("portal_session", planted)
    give_password(visitor)
    visitor.client.set_cookie("portal_session", planted)
    visitor.post("/auth/second-factor", {"code": code_now()})
    assert cookie(visitor) not in ("", planted)
    with app.app_context():
        assert find_session(planted) is None
        found = find_session(cookie(visitor))
    assert found is not None
    assert found.email == OWNER


def test_who_is_signed_in_as_somebody_else_still_comes_to_the_second_step(
    app: Flask, factor: list[str], visit: Visit
) -> None:
    visitor = visit("viewer@acme.example")
    give_password(visitor)
    assert visitor.get("/auth/second-factor").status_code == 200


def test_guessing_the_second_step_is_limited(app: Flask, factor: list[str], visit: Visit) -> None:
    visitor = visit()
    give_password(visitor)
    statuses = [visitor.post("/auth/second-factor", {"code": "000000"}).status_code for _ in range(9)]
    assert statuses == [422] * 8 + [429]
    assert visitor.post("/auth/second-factor", {"code": code_now()}).status_code == 429


def staff_without(app: Flask, email: str) -> Browser:
    """Staff who have not set a second factor up: the password opened their session."""
    with app.app_context():
        db.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_of(email).id))
        db.session.execute(update(UserSession).values(second_factor_at=None))
        db.session.commit()
    visitor = Visitor(app)
    assert visitor.sign_in(email).headers["Location"] == "/account"
    token = visitor.csrf_token()
    found = (visitor.client.get_cookie(name) for name in ("portal", "portal_session"))
    return Browser(app, "; ".join(f"{kept.key}={kept.value}" for kept in found if kept), token)


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("email", ["support@portal.example", STAFF])
def test_no_staff_page_opens_without_a_second_factor(
    app: Flask, acme: Things, email: str, engine_name: str
) -> None:
    browser, walked = staff_without(app, email), 0
    before = dump(app)
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            with app.app_context():
                guard = guard_of(rule.endpoint)
            if guard is None or guard.door is not Door.STAFF:
                continue
            for headers in ({}, {"HX_Request": "true"}):
                filled = form(rule.endpoint, acme) if changing else None
                answer = browser.send(method, address(rule, acme), filled, **headers)
                name = f"{method} {rule.rule}"
                if answer.status_code == 403:  # what only a lead may do stays refused to others
                    assert email != STAFF, name
                    continue
                assert answer.headers["HX-Redirect" if headers else "Location"] == "/account/security", name
            walked += 1
    assert walked > 10
    assert dump(app) == before


def test_what_staff_are_told_stays_closed_without_a_second_factor(app: Flask, world: World) -> None:
    answer = staff_without(app, STAFF).send("GET", "/account/notifications")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/security")
