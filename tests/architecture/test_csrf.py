"""A change proves that one of our own pages asked for it."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask

from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, dump, routes, sender

EXEMPT = {
    "webhooks.receive_stripe_event",
    "api.zendesk",
    "api.intercom_initialize",
    "api.intercom_submit",
    "api.helpscout",
    "api.dismiss_nudge",
    "notifications.unsubscribe",
}
"""Machines that sign what they send, or bring a token, and carry no cookies; mail providers that post the link of a
mail (RFC 8058)."""
ATTACKS: dict[str, dict[str, str]] = {
    "no token": {"token": ""},
    "another browser's token": {"token": "another"},
    "token in the address": {"token": "", "query": "own"},
    "from another site": {"Sec_Fetch_Site": "cross-site"},
    "from another host of the site": {"Sec_Fetch_Site": "same-site"},
    "foreign origin": {"Origin": "https://evil.example"},
    "no origin to tell": {"Origin": "null"},
    "origin that only starts like ours": {"Origin": "http://localhost.evil.example"},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_change_without_proof(
    app: Flask,
    acme: Things,
    browse: Callable[[str | None], Browser],
    attack: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    browsers = {email: browse(email) for email in (None, "owner@acme.example", "lead@portal.example")}
    owner, stranger = browsers["owner@acme.example"], browsers[None]
    before = dump(app)
    caplog.set_level(logging.WARNING)
    for rule, method in routes(app, changing=True):
        if rule.endpoint in EXEMPT:
            continue
        how = dict(ATTACKS[attack])
        path = address(rule, acme)
        browser = browsers[sender(rule.endpoint)]
        if how.pop("query", None):
            path += f"?csrf_token={browser.token}"
        if how.get("token") == "another":
            how["token"] = stranger.token
        if browser is stranger and how.get("token") == stranger.token:
            how["token"] = owner.token
        caplog.clear()
        answer = browser.send(method, path, form(rule.endpoint, acme), **how)
        assert answer.status_code == 403, f"{method} {path}"
        refusals = [record for record in caplog.records if record.getMessage() == "request refused"]
        assert len(refusals) == 1, f"{method} {path}: one line in the log"
    assert dump(app) == before


def test_only_what_is_signed_needs_no_token(app: Flask) -> None:
    from portal.extensions import csrf

    exempt = {
        endpoint
        for endpoint, view in app.view_functions.items()
        if f"{view.__module__}.{view.__name__}" in csrf._exempt_views
    }
    assert exempt == EXEMPT
    assert csrf._exempt_blueprints == set()


def test_the_token_may_come_in_a_header(browse: Callable[[str | None], Browser]) -> None:
    owner = browse("owner@acme.example")
    form_data = {"theme": "dark"}
    answer = owner.send("POST", "/account/appearance", form_data, token="", X_CSRFToken=owner.token)
    assert answer.status_code == 303


def test_the_webhook_refuses_other_sites_too(app: Flask) -> None:
    answer = app.test_client().post("/webhooks/stripe", data="{}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
