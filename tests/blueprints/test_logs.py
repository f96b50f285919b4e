"""Log lines are one JSON object each and hold no secret."""

import json
import logging
import re
from collections.abc import Callable

import pytest
from flask import Flask

from portal.logs import JsonLines
from tests.blueprints.things import Things
from tests.factories import PASSWORD, World
from tests.visitor import Visitor


def everything(caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged, in the form in which it leaves."""
    return "\n".join(JsonLines().format(record) for record in caplog.records)


def test_no_secret_is_ever_logged(
    app: Flask, acme: Things, visit: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor = visit()
    visitor.post("/auth/sign-in", {"email": "owner@acme.example", "password": "a wrong secret phrase"})
    visitor.sign_in("owner@acme.example")
    session = visitor.client.get_cookie("portal_session").value
    key = visitor.post("/account/api-keys", {"name": "Export"}).text
    secret = re.search(r"ptl_[0-9A-Za-z]{38}", key)
    assert secret is not None
    visit().get(f"/invitations/{acme.token}")
    visit().get(f"/invitations/{acme.token}?x=1")
    visit().get(f"/account/team?next={acme.token}")
    visit().post(f"/invitations/{acme.token}", {"name": "Gia", "password": "another secret phrase"})
    visit().get(f"/invitations/{acme.token}/extra")
    visitor.post("/account/billing/card")
    logged = everything(caplog)
    tokens = (
        PASSWORD,
        "a wrong secret phrase",
        "another secret phrase",
        session,
        secret[0],
        acme.token,
        visitor.csrf_token(),
    )
    assert [token for token in tokens if token in logged] == []
    assert "billing.stripe.com/p/session" not in logged


def test_a_fault_in_a_secret_place_logs_where_but_not_what(
    app: Flask,
    acme: Things,
    visit: Callable[..., Visitor],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(token: str, **_named: object) -> None:
        raise RuntimeError(f"fault with {token}")

    monkeypatch.setattr("portal.team.invitations.find_invitation", fail)
    assert visit().get(f"/invitations/{acme.token}").status_code == 500
    logged = everything(caplog)
    assert "RuntimeError" in logged
    assert acme.token not in logged


def test_every_request_is_one_line_with_who_and_where(
    app: Flask, world: World, visit: Callable[..., Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    visitor = visit("owner@acme.example")
    caplog.clear()
    visitor.get("/account/team?q=secret-name")
    (line,) = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert (line["method"], line["path"], line["status"], line["endpoint"]) == (
        "GET",
        "/account/team",
        200,
        "team.members",
    )
    assert line["organization"] == world.acme.organization_id
    assert line["time"].endswith("+00:00")
    assert "secret-name" not in str(line)


def test_no_entry_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("portal.test").info('a\n{"level": "error"}\r\u2028%s', "b\nc", extra={"reason": "x\ny"})
    text = JsonLines().format(caplog.records[0])
    assert len(text.splitlines()) == 1
    assert json.loads(text)["level"] == "info"


def test_a_trace_does_not_quote_the_message() -> None:
    try:
        raise ValueError("what a person typed")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "failed", (), (ValueError, error, error.__traceback__)
        )
    text = JsonLines().format(record)
    assert "what a person typed" not in text
    assert json.loads(text)["error"] == "ValueError"
