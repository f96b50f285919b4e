"""What tests of addresses share: a world whose context is closed again, its things, and browsers to send with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.actor import Origin
from portal.database import Base
from portal.extensions import db
from portal.identity.queries import user_by_email
from portal.identity.sessions import start_session
from tests.blueprints.things import Things, make_things
from tests.factories import World
from tests.visitor import Visitor

SAFE = {"GET", "HEAD", "OPTIONS"}
VISITORS = {"auth.sign_in_submit", "invitation.accept"}
"""Forms that are for those who are not signed in."""


@pytest.fixture
def world(app: Flask) -> World:
    """The two tenants. Its context is closed: an open one would lend its `g` to every request."""
    with app.app_context():
        return World.make()


@pytest.fixture
def acme(app: Flask, world: World) -> Things:
    """Acme's things."""
    with app.app_context():
        return make_things(world.acme)


@pytest.fixture
def globex(app: Flask, world: World) -> Things:
    """Globex's things."""
    with app.app_context():
        return make_things(world.globex)


@dataclass(frozen=True, slots=True)
class Browser:
    """A visitor's cookies and token, sent afresh each time: no answer changes them."""

    app: Flask
    cookies: str
    token: str

    def send(
        self,
        method: str,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """One request; changes carry this browser's token unless `token` says otherwise (`""` for none)."""
        given = self.token if token is None else token
        body = {**(data or {}), **({"csrf_token": given} if given else {})}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        client = self.app.test_client(use_cookies=False)
        return client.open(
            path,
            method=method,
            data=None if method in SAFE else body,
            headers={"Cookie": self.cookies, **named},
        )


@pytest.fixture
def browse(app: Flask, world: World) -> Callable[[str | None], Browser]:
    """The browser of somebody signed in, or of a visitor for None."""

    def make(email: str | None) -> Browser:
        visitor = Visitor(app)
        if email:
            visitor.client.set_cookie("portal_session", start(app, email))
        token = visitor.csrf_token()
        found = (visitor.client.get_cookie(name) for name in ("portal", "portal_session"))
        return Browser(app, "; ".join(f"{cookie.key}={cookie.value}" for cookie in found if cookie), token)

    return make


def start(app: Flask, email: str) -> str:
    """A session's token, without the sign-in page: checking passwords takes its time on purpose."""
    with app.app_context():
        user = user_by_email(email)
        assert user is not None
        token = start_session(user, Origin(), with_second_factor=user.staff_role is not None)
        db.session.commit()
        return token


def routes(app: Flask, *, changing: bool) -> Iterator[tuple[Rule, str]]:
    """Every route of ours with each of its methods: those that may change something, or the others."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            if (
                rule.endpoint != "static"
                and method not in {"HEAD", "OPTIONS"}
                and (method not in SAFE) == changing
            ):
                yield rule, method


def sender(endpoint: str) -> str | None:
    """Who may send the form of this route: nobody in particular, a lead of the staff, or an owner."""
    if endpoint in VISITORS:
        return None
    return "lead@portal.example" if endpoint.startswith("admin.") else "owner@acme.example"


def dump(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as it is committed."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table.name}"))), key=repr)
            for table in Base.metadata.sorted_tables
        }
