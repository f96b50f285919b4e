"""Nothing is told to who has not proved to be the help desk."""

import time
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import event

from portal.extensions import db
from portal.help_desk.queries import tickets_of
from tests.blueprints.help_desk import OWNER, SOURCES, send
from tests.blueprints.things import Things
from tests.conftest import ENGINES
from tests.support.help_desk import (
    PATHS,
    ZENDESK_SECRET,
    Request,
    helpscout_body,
    helpscout_request,
    intercom_body,
    intercom_request,
    request_of,
    zendesk_claims,
    zendesk_request,
)

pytestmark = pytest.mark.usefixtures("fresh_counts")


def forged(source: str) -> dict[str, Request]:
    """Everything that is nearly right, by what is wrong with it."""
    path, body, headers = request_of(source, OWNER)
    name = next(iter(headers))
    wrong = {
        "zendesk": zendesk_request(OWNER, secret="x" * 40),
        "intercom": intercom_request(intercom_body(OWNER), secret="x" * 40),
        "helpscout": helpscout_request(helpscout_body(OWNER), secret="x" * 40),
    }[source]
    found: dict[str, Request] = {
        "no header": (path, body, {}),
        "empty": (path, body, {name: ""}),
        "not ASCII": (path, body, {name: headers[name] + "\xff"}),
        "a letter more": (path, body, {name: headers[name] + "A"}),
        "wrong secret": wrong,
        "no secret": {
            "zendesk": lambda: zendesk_request(OWNER, secret=""),
            "intercom": lambda: intercom_request(intercom_body(OWNER), secret=""),
            "helpscout": lambda: helpscout_request(helpscout_body(OWNER), secret=""),
        }[source](),
    }
    if source != "zendesk":
        found["another body"] = (path, body.replace(b"acme", b"emca"), headers)
        found["a byte more"] = (path, body + b" ", headers)
    for other in set(SOURCES) - {source}:
        _, other_body, other_headers = request_of(other, OWNER)
        found[f"as {other} signs"] = (path, other_body, other_headers)
        found[f"{other}'s signature here"] = (path, other_body, {name: next(iter(other_headers.values()))})
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_not_signed_by_that_help_desk_is_refused_before_anything_is_looked_up(
    app: Flask, acme: Things, source: str
) -> None:
    statements: list[str] = []
    with app.app_context():
        engine = db.engine
    for wrong, request in forged(source).items():
        event.listen(engine, "before_cursor_execute", note := lambda *given: statements.append(given[2]))
        answer = send(app, request)
        event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code == 401, wrong
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), wrong
        assert answer.get_json()["error"]["message"] == "This is not signed by the help desk.", wrong
        assert "acme" not in answer.text.lower(), wrong
    assert statements == []


@pytest.mark.parametrize("secret", [None, ""])
@pytest.mark.parametrize("source", SOURCES)
def test_a_product_that_is_not_connected_is_not_there(
    app: Flask, acme: Things, source: str, secret: str | None
) -> None:
    from pydantic import SecretStr

    services = app.extensions["portal"]
    nothing = SecretStr(secret) if secret is not None else None
    names = ("zendesk_shared_secret", "intercom_client_secret", "helpscout_secret")
    services.settings = services.settings.model_copy(update=dict.fromkeys(names, nothing))
    for request in (request_of(source, OWNER), forged(source)["no secret"]):
        answer = send(app, request)
        assert answer.status_code == 404
        assert "acme" not in answer.text.lower()


def token(claims: dict[str, Any], algorithm: str = "HS256", scheme: str = "Bearer") -> Request:
    given = jwt.encode(claims, ZENDESK_SECRET if algorithm != "none" else None, algorithm=algorithm)
    return PATHS["zendesk"], b"", {"Authorization": f"{scheme} {given}"}


def zendesk_forgeries() -> dict[str, Request]:
    now = int(time.time())
    claims = zendesk_claims(OWNER)
    return {
        "made for ever by a huge number": token({**claims, "exp": float("inf")}),
        "expired": token({**claims, "exp": now - 60}),
        "no end": token({name: value for name, value in claims.items() if name != "exp"}),
        "lives an hour": token({**claims, "exp": now + 3600}),
        "lives for ever": token({**claims, "exp": 10**18}),
        "made long ago": token({**claims, "iat": now - 600}),
        "made in the future": token({**claims, "iat": now + 600}),
        "not yet valid": token({**claims, "nbf": now + 600}),
        "no name": token({name: value for name, value in claims.items() if name != "jti"}),
        "empty name": token({**claims, "jti": ""}),
        "long name": token({**claims, "jti": "x" * 10_000}),
        "for somebody else": token({**claims, "aud": "https://other.example"}),
        "unsigned": token(claims, "none"),
        "another algorithm": token(claims, "HS512"),
        "another scheme": token(claims, scheme="Basic"),
        "end in words": token({**claims, "exp": "tomorrow"}),
    }


def test_zendesks_token_is_short_lived_and_complete(app: Flask, acme: Things) -> None:
    found = {name: send(app, request).status_code for name, request in zendesk_forgeries().items()}
    assert found == dict.fromkeys(found, 401)


def test_zendesks_token_needs_no_iat_but_clocks_may_differ_a_little(app: Flask, acme: Things) -> None:
    now = int(time.time())
    for claims in (
        zendesk_claims(OWNER, iat=None),
        zendesk_claims(OWNER, iat=now + 20, exp=now + 315),
        zendesk_claims(OWNER, iat=now - 90, exp=now - 20),
    ):
        assert send(app, token(claims)).status_code == 200


@pytest.mark.parametrize("engine_name", ENGINES)
def test_zendesks_token_opens_one_answer(app: Flask, acme: Things, engine_name: str) -> None:
    request = zendesk_request(OWNER)
    assert send(app, request).status_code == 200
    again = send(app, request)
    assert again.status_code == 401
    assert "acme" not in again.text.lower()
    assert send(app, zendesk_request(OWNER)).status_code == 200
    with app.app_context():
        assert [row.times_shown for row in tickets_of(acme.organization_id)] == [2]


def test_a_browser_on_another_site_cannot_pass_a_signed_request_on(app: Flask, acme: Things) -> None:
    answer = send(app, request_of("intercom", OWNER), Origin="https://evil.example")
    assert answer.status_code == 403
