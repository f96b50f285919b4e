"""The link in a mail that switches it off, without signing in."""

import logging
import re

import pytest
from flask import Flask

from blueprints._limits import limiter
from blueprints.notifications.unsubscribing import UNSUBSCRIBES
from portal.audit.actions import Action
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.models import (
    Audience,
    UserChannel,
)
from portal.notifications.unsubscribing import unsubscribe_token
from portal.permissions import Role
from tests.blueprints.test_notifications import SCREEN, Browse, actions, choices
from tests.blueprints.web import dump
from tests.factories import World


def link_of(app: Flask, world: World, topic: str, role: Role = Role.OWNER) -> str:
    with app.app_context():
        token = unsubscribe_token(world.acme.users[role], Audience.CUSTOMER, topic)
    return f"/notifications/unsubscribe/{token}"


def test_opening_the_link_says_what_it_does_and_changes_nothing(
    app: Flask, world: World, browse: Browse
) -> None:
    before, link = dump(app), link_of(app, world, "member-added")
    page = browse(None).send("GET", link)
    assert page.status_code == 200
    assert "owner@acme.example" in page.text
    assert "<li>Member joined</li>" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert dump(app) == before


def test_a_mail_provider_switches_it_off_in_one_click(app: Flask, world: World) -> None:
    """RFC 8058: a POST without cookies, answered without a redirect."""
    client = app.test_client(use_cookies=False)
    link = link_of(app, world, "member-added")
    for _ in range(2):
        assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert choices(app, world)[Event.MEMBER_ADDED] == {UserChannel.IN_APP}
    assert choices(app, world)[Event.INVOICE_PAID] == frozenset(UserChannel)
    assert actions(app).count(Action.NOTIFICATIONS_CHOSEN) == 1, "twice changes nothing more"


def test_a_person_switches_it_off_by_the_button(app: Flask, world: World, browse: Browse) -> None:
    link = link_of(app, world, "member-added")
    answer = browse(None).send("POST", link, token="")
    assert "Mails are off" in answer.text
    assert SCREEN in answer.text
    again = browse(None).send("GET", link).text
    assert ("Mails are off" in again, "<form" in again) == (True, False)


def test_the_links_of_a_digest_name_everything_in_it(app: Flask, world: World, browse: Browse) -> None:
    page = browse(None).send("GET", link_of(app, world, "digest")).text
    assert {entry.label for entry in CATALOGUE.values() if entry.may_wait} == set(
        re.findall(r"<li>([^<]+)</li>", page)
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_wrong_link_answers_410(app: Flask, world: World, method: str) -> None:
    client, before = app.test_client(use_cookies=False), dump(app)
    right = link_of(app, world, "member-added")
    locked = link_of(app, world, "billing-email-changed")
    other = right.replace("member-added", "invoice-paid")
    answers = [
        client.open(path, method=method)
        for path in (right[:-1], f"{right}x", other, locked, "/notifications/unsubscribe/x", right + "%00")
    ]
    assert {answer.status_code for answer in answers[:5]} == {410}
    assert answers[5].status_code in {410, 422}
    assert dump(app) == before


def test_the_token_is_not_in_the_log(
    app: Flask, world: World, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browse(None).send("GET", link_of(app, world, "member-added"))
    paths = [record.path for record in caplog.records if hasattr(record, "path")]
    assert "/notifications/unsubscribe/..." in paths
    assert world.acme.users[Role.OWNER] not in " ".join(paths)


def test_guessing_links_is_limited(app: Flask, world: World) -> None:
    client = app.test_client(use_cookies=False)
    with app.app_context():
        limiter.reset()
    allowed = int(UNSUBSCRIBES.partition(" ")[0])
    statuses = [client.post("/notifications/unsubscribe/x").status_code for _ in range(allowed + 1)]
    with app.app_context():
        limiter.reset()
    assert statuses == [410] * allowed + [429]
