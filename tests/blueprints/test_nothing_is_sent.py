"""Mails and Slack messages leave from the worker alone: no request waits for them, or fails with them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, has_request_context

from jobs.deliver_mails import deliver_mails
from jobs.deliver_slack import deliver_slack
from jobs.fan_out_events import fan_out_events
from jobs.work import Work
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, routes
from tests.fakes import FakeMailer, FakeSlack

Browse = Callable[[str | None], Browser]


@pytest.fixture
def sent(
    app: Flask, mailer: FakeMailer, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> dict[bool, int]:
    """How often something was sent, by whether a request was running."""
    counts = {True: 0, False: 0}

    def send(*_args: Any, **_named: Any) -> None:
        counts[has_request_context()] += 1

    monkeypatch.setattr(mailer, "send", send)
    monkeypatch.setattr(slack, "send", send)
    return counts


def test_nothing_is_sent_inside_a_request(
    app: Flask, acme: Things, browse: Browse, sent: dict[bool, int]
) -> None:
    browsers = [browse(email) for email in ("owner@acme.example", "lead@portal.example", None)]
    for changing in (True, False):
        for rule, method in routes(app, changing=changing):
            for browser in browsers:
                browser.send(method, address(rule, acme), form(rule.endpoint, acme) if changing else None)
    assert sent == {True: 0, False: 0}
    with app.app_context():
        for job in (fan_out_events, deliver_mails, deliver_slack):
            job(Work("worker"))
    assert sent[True] == 0
    assert sent[False] > 10, "there was something to send"
