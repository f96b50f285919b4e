"""Security headers stand on every kind of answer, and cookies are as strict as TLS allows."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from portal.context import Services
from portal.extensions import db
from tests.blueprints.things import Things, make_things
from tests.blueprints.web import Browser
from tests.conftest import make_settings
from tests.factories import PASSWORD, World
from tests.fakes import FakeMailer, FakeStripe
from wsgi import create_app

Browse = Callable[[str | None], Browser]
HTTPS = {"base_url": "https://app.example.com"}


def answers(browser: Browser, acme: Things) -> Iterator[tuple[str, Any]]:
    """One answer of every kind."""
    fragment = {"HX_Request": "true"}
    yield "page", browser.send("GET", "/account/team")
    yield "fragment", browser.send("GET", "/account/team", **fragment)
    yield "redirect", browser.send("GET", "/account")
    yield "htmx redirect", browser.send("POST", "/account/billing/card", **fragment)
    yield "csv", browser.send("GET", "/account/usage/export.csv")
    yield "pdf", browser.send("GET", f"/account/invoices/{acme.invoice_id}.pdf")
    yield "json", browser.send("GET", "/healthz")
    yield "static", browser.send("GET", "/static/css/base.css")
    yield "missing static", browser.send("GET", "/static/nothing.css")
    yield "missing", browser.send("GET", "/nowhere")
    yield "missing fragment", browser.send("GET", "/nowhere", **fragment)
    yield "forbidden", browser.send("POST", "/account/profile", token="")
    yield "wrong method", browser.send("DELETE", "/account/team")
    yield "refused form", browser.send("POST", "/account/profile", {"name": ""})
    yield "webhook", browser.send("POST", "/webhooks/stripe", token="")
    yield "options", browser.send("OPTIONS", "/account/team")
    yield "head", browser.send("HEAD", "/account/team")


def test_every_kind_of_answer_is_hardened(app: Flask, acme: Things, browse: Browse) -> None:
    for kind, answer in answers(browse("owner@acme.example"), acme):
        headers = answer.headers
        assert headers.get("X-Content-Type-Options") == "nosniff", kind
        assert headers.get("X-Frame-Options") == "DENY", kind
        assert "frame-ancestors 'none'" in headers.get("Content-Security-Policy", ""), kind
        assert headers.get("Referrer-Policy") in {"strict-origin-when-cross-origin", "no-referrer"}, kind
        assert "Access-Control-Allow-Origin" not in headers, kind
        if "static" not in kind:
            assert headers.get("Cache-Control") == "no-store", kind


def test_an_unforeseen_fault_is_hardened_and_says_nothing(
    app: Flask,
    world: World,
    browse: Browse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise ValueError("the inner secret")

    monkeypatch.setattr(sys.modules["blueprints.activity.screen"], "show_log", fail)
    for headers in ({}, {"HX_Request": "true"}):
        answer = browse("owner@acme.example").send("GET", "/account/activity", **headers)
        assert answer.status_code == 500
        assert "inner secret" not in answer.text
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"]


def test_the_policy_allows_nothing_inline_and_no_other_host(browse: Browse, world: World) -> None:
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in browse("owner@acme.example")
        .send("GET", "/account/team")
        .headers["Content-Security-Policy"]
        .split(";")
    )
    assert (
        policy["default-src"]
        == policy["object-src"]
        == policy["base-uri"]
        == policy["frame-ancestors"]
        == "'none'"
    )
    assert re.fullmatch(r"'nonce-[\w-]{20,}'", policy["script-src"])
    assert policy["style-src"] == policy["connect-src"] == policy["font-src"] == "'self'"
    assert not any("unsafe" in value for value in policy.values())
    others = {name for name, value in policy.items() if "://" in value or "*" in value}
    assert others == {"form-action"}
    assert all(host == "'self'" or host.endswith(".stripe.com") for host in policy["form-action"].split())


def test_a_nonce_is_used_once_and_is_the_pages(browse: Browse, world: World) -> None:
    owner, nonces = browse("owner@acme.example"), set()
    for _ in range(3):
        answer = owner.send("GET", "/account/team")
        found = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        assert found is not None
        assert f'nonce="{found[1]}"' in answer.text
        nonces.add(found[1])
    assert len(nonces) == 3


def test_htmx_evaluates_nothing(browse: Browse, world: World) -> None:
    page = browse("owner@acme.example").send("GET", "/account/team").text
    found = re.search(r"name=\"htmx-config\" content='([^']+)'", page)
    assert found is not None
    config = json.loads(found[1])
    assert (config["allowEval"], config["allowScriptTags"], config["selfRequestsOnly"]) == (
        False,
        False,
        True,
    )
    assert config["historyCacheSize"] == 0


def test_pages_with_a_token_in_their_address_send_no_referrer(app: Flask, acme: Things) -> None:
    for path in (f"/invitations/{acme.token}", "/invitations/unknown"):
        assert app.test_client().get(path).headers["Referrer-Policy"] == "no-referrer"


def test_a_machine_gets_json(app: Flask, world: World) -> None:
    answer = app.test_client().post("/webhooks/stripe", data=b"x")
    assert answer.mimetype == "application/json"
    assert answer.get_json()["error"]["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://evil-localhost"]
)
def test_no_other_origin_may_read(world: World, browse: Browse, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = browse("owner@acme.example").send(
            method, "/account/team", Origin=origin, Access_Control_Request_Method="POST"
        )
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("given", ["x" * 7, "x" * 65, "a b c d e f", "<script>alert(1)", "ümlautümlaut"])
def test_a_request_id_of_another_form_is_not_taken(https_app: Flask, given: str) -> None:
    answer = https_app.test_client().get("/auth/sign-in", headers=[("X-Request-Id", given)], **HTTPS)
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] != given


def test_a_request_id_is_taken_from_a_trusted_proxy_only(
    app: Flask, https_app: Flask, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    given = {"X-Request-Id": "proxy-12345678"}
    assert app.test_client().get("/auth/sign-in", headers=given).headers["X-Request-Id"] != "proxy-12345678"
    caplog.clear()
    answer = https_app.test_client().get("/auth/sign-in", headers=given, **HTTPS)
    assert answer.headers["X-Request-Id"] == "proxy-12345678"
    assert [record.request_id for record in caplog.records if record.getMessage() == "request"] == [
        "proxy-12345678"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "X-User-Id",
        "X-Remote-User",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
    ],
)
def test_what_a_proxy_would_set_is_not_believed_without_one(app: Flask, world: World, name: str) -> None:
    from portal.identity.models import UserSession

    visitor = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/auth/sign-in").text)
    assert token is not None
    data = {"csrf_token": token[1], "email": "owner@acme.example", "password": PASSWORD}
    value = "for=203.0.113.9" if name == "Forwarded" else "203.0.113.9"
    answer = visitor.post("/auth/sign-in", data=data, headers={name: value})
    assert answer.status_code == 303
    with app.app_context():
        assert db.session.scalars(db.select(UserSession.address)).one() == "127.0.0.1"


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_method_cannot_be_overridden(acme: Things, browse: Browse, header: str) -> None:
    owner = browse("owner@acme.example")
    path = f"/account/team/members/{acme.member_id}/role?_method=PATCH&role=admin"
    assert owner.send("GET", path, **{header: "PATCH"}).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND", "PATCH"])
def test_other_methods_are_refused_by_name(world: World, browse: Browse, method: str) -> None:
    answer = browse("owner@acme.example").send(method, "/account/team")
    assert answer.status_code in {403, 405}
    if answer.status_code == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_body_that_is_too_large_is_refused(app: Flask, world: World, browse: Browse) -> None:
    answer = browse("owner@acme.example").send("POST", "/account/profile", {"name": "x" * 1_100_000})
    assert answer.status_code == 413
    assert app.test_client().post("/webhooks/stripe", data=b"x" * 1_100_000).status_code == 413


@pytest.fixture
def https_app(database_url: str) -> Iterator[Flask]:
    """An application that people reach over TLS, behind one proxy."""
    app = create_app(make_settings(database_url, public_app_url="https://app.example.com", proxy_hops=1))
    services: Services = app.extensions["portal"]
    services.stripe, services.mailer = FakeStripe(services.settings), FakeMailer()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_cookies_over_tls_are_bound_to_this_host(https_app: Flask) -> None:
    with https_app.app_context():
        make_things(World.make().acme)
    client = https_app.test_client()
    page = client.get("/auth/sign-in", **HTTPS)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    data = {"csrf_token": token[1], "email": "owner@acme.example", "password": PASSWORD}
    signed_in = client.post("/auth/sign-in", data=data, **HTTPS)
    assert signed_in.status_code == 303
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/account/profile", **HTTPS).text)
    assert token is not None
    themed = client.post("/account/appearance", data={"csrf_token": token[1], "theme": "dark"}, **HTTPS)
    signed_out = client.post("/auth/sign-out", data={"csrf_token": token[1]}, **HTTPS)
    cookies = [
        cookie
        for answer in (page, signed_in, themed, signed_out)
        for cookie in answer.headers.getlist("Set-Cookie")
    ]
    assert {cookie.partition("=")[0] for cookie in cookies} == {
        "__Host-portal",
        "__Host-portal_device",
        "__Host-portal_session",
        "__Host-portal_theme",
    }
    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes, cookie
        assert not any(attribute.startswith("domain") for attribute in attributes), cookie


def test_over_tls_every_answer_says_to_stay_there(https_app: Flask) -> None:
    client = https_app.test_client()
    for path in ("/auth/sign-in", "/static/css/base.css", "/nowhere", "/account", "/healthz"):
        value = client.get(path, **HTTPS).headers["Strict-Transport-Security"]
        assert int(value.partition("max-age=")[2].partition(";")[0]) >= 31_536_000, path
        assert "includeSubDomains" in value, path


def test_links_are_never_made_from_the_host_header(https_app: Flask) -> None:
    answer = https_app.test_client().get("/account", headers={"X-Forwarded-Host": "evil.example"}, **HTTPS)
    assert "evil.example" not in answer.location
    assert https_app.test_client().get("/account", base_url="https://evil.example").status_code == 400


def test_the_session_is_nowhere_but_in_the_cookie(app: Flask, acme: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    token = owner.cookies.partition("portal_session=")[2].partition(";")[0]
    assert len(token) == 43
    for kind, answer in answers(owner, acme):
        assert token.encode() not in answer.data, kind
        assert token not in str(answer.headers), kind
