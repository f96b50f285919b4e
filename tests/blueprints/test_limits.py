"""Guessing and costly requests are limited, each caller by itself, with a word on when to come back."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from blueprints._limits import limiter
from portal.identity import throttle
from tests.blueprints.things import Things
from tests.blueprints.web import Browser
from tests.factories import PASSWORD, World
from tests.visitor import Visitor

Browse = Callable[[str | None], Browser]
OTHER = {"REMOTE_ADDR": "198.51.100.9"}


@pytest.fixture(autouse=True)
def _fresh_counts(app: Flask) -> Iterator[None]:
    with app.app_context():
        limiter.reset()
    yield
    with app.app_context():
        limiter.reset()


def guess(visitor: Visitor, email: str, **more: object) -> int:
    return visitor.post("/auth/sign-in", {"email": email, "password": "wrong"}, **more).status_code


def test_guessing_one_account_is_limited_and_its_owner_gets_in_from_elsewhere(
    app: Flask, world: World, visit: Callable[..., Visitor]
) -> None:
    attacker, owner = visit(), visit()
    limit = throttle.SIGN_IN_BY_ACCOUNT_AND_ADDRESS.count
    assert [guess(attacker, "owner@acme.example") for _ in range(limit)] == [422] * limit
    refused = attacker.sign_in("owner@acme.example")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    data = {"email": "owner@acme.example", "password": PASSWORD}
    assert owner.post("/auth/sign-in", data, environ_overrides=OTHER).status_code == 303


def test_trying_many_accounts_from_one_address_is_limited(
    app: Flask, world: World, visit: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.identity.signing_in.verify_password", lambda *_: False)
    attacker = visit()
    statuses = [
        guess(attacker, f"nobody{number}@acme.example")
        for number in range(throttle.SIGN_IN_BY_ADDRESS.count + 1)
    ]
    assert statuses[-1] == 429
    assert set(statuses) <= {422, 429}


def test_known_and_unknown_accounts_get_the_same_answer(
    app: Flask, world: World, visit: Callable[..., Visitor]
) -> None:
    import re

    pages = []
    for email in ("owner@acme.example", "nobody@acme.example"):
        text = visit().post("/auth/sign-in", {"email": email, "password": "wrong"}).text
        pages.append(
            re.sub(r'nonce="[^"]*"|name="csrf_token" value="[^"]*"|hx-headers=\'[^\']*\'', "", text).replace(
                email, "E"
            )
        )
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "/account/usage/export.csv", 30),
        ("GET", "/account/invoices/INVOICE.pdf", 30),
        ("POST", "/account/api-keys", 30),
        ("POST", "/account/team/invitations", 30),
        ("POST", "/account/billing/card", 30),
        ("GET", "/account/team?q=a", 120),
        ("POST", "/account/profile", 60),
    ],
)
def test_costly_routes_are_limited_per_session(
    app: Flask,
    acme: Things,
    browse: Browse,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    limit: int,
) -> None:
    monkeypatch.setattr("portal.invoices.document.render_pdf", lambda *_args, **_named: b"%PDF-")
    path = path.replace("INVOICE", acme.invoice_id)
    owner, admin = browse("owner@acme.example"), browse("admin@acme.example")
    statuses = [owner.send(method, path).status_code for _ in range(limit)]
    assert 429 not in statuses
    refused = owner.send(method, path)
    assert refused.status_code == 429
    assert int(refused.headers.get("Retry-After", 0)) > 0
    assert admin.send(method, path).status_code != 429


@pytest.mark.parametrize("path", ["/invitations/unknown", "/notifications/unsubscribe/unknown"])
def test_a_made_up_cookie_is_no_way_around_the_limit(
    app: Flask, world: World, browse: Browse, path: str
) -> None:
    """A visitor who sends another session cookie each time is still the same visitor."""
    visitor = browse(None)
    statuses = []
    for number in range(130):
        other = Browser(app, f"{visitor.cookies}; portal_session=made-up-{number}", visitor.token)
        statuses.append(other.send("POST", path).status_code)
    assert 429 in statuses


def test_invitation_links_cannot_be_tried_without_end(world: World, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    statuses = [
        visitor.get(f"/invitations/guess-{number}").status_code
        for number in range(throttle.INVITATION_BY_ADDRESS.count + 31)
    ]
    statuses += [
        visitor.post(f"/invitations/guess-{number}").status_code
        for number in range(throttle.INVITATION_BY_ADDRESS.count + 1)
    ]
    assert statuses[-1] == 429


def test_webhooks_are_never_limited(app: Flask, world: World) -> None:
    client = app.test_client()
    assert {client.post("/webhooks/stripe", data=b"x").status_code for _ in range(80)} == {400}
