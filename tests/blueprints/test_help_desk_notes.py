"""Opening a ticket is noted once, and the customer can read it."""

import json
import re
import threading
from collections.abc import Callable

import pytest
from flask import Flask

from portal.actor import ActorKind
from portal.config import ROOT
from portal.help_desk.models import HelpDesk
from portal.help_desk.queries import tickets_of
from tests.blueprints.help_desk import OWNER, SOURCES, ask, opened, send
from tests.blueprints.test_transactions import Broken, lasting
from tests.blueprints.things import Things
from tests.blueprints.web import Browser
from tests.conftest import ENGINES
from tests.support.help_desk import (
    Request,
    request_of,
)

pytestmark = pytest.mark.usefixtures("fresh_counts")


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_ticket_is_noted_once_and_counted_each_time(
    app: Flask, acme: Things, globex: Things, source: str, engine_name: str
) -> None:
    for email in (OWNER, OWNER, "member@acme.example"):
        ask(app, source, email)
    ask(app, source, OWNER, "4712")
    with app.app_context():
        rows = tickets_of(acme.organization_id)
        assert [(row.ticket_id, row.times_shown, row.user_name) for row in rows] == [
            ("4712", 1, "Owner of Acme"),
            ("4711", 3, "Member of Acme"),
        ]
        assert {row.source for row in rows} == {HelpDesk(source)}
        assert rows[1].first_seen_at < rows[1].last_seen_at
        entries = opened(acme.organization_id)
        assert [(entry.entity_id, entry.actor_kind, entry.actor_name) for entry in entries] == [
            ("4711", ActorKind.SYSTEM, HelpDesk(source).label),
            ("4712", ActorKind.SYSTEM, HelpDesk(source).label),
        ]
        assert entries[0].after == {"requester": OWNER, "agent": "Dana Reyes"}
        assert entries[0].chain == acme.organization_id
        assert tickets_of(globex.organization_id) == []
        assert opened(globex.organization_id) == []


def test_the_same_number_in_two_help_desks_is_two_tickets(app: Flask, acme: Things) -> None:
    for source in SOURCES:
        ask(app, source, OWNER)
    with app.app_context():
        assert {row.source.value for row in tickets_of(acme.organization_id)} == set(SOURCES)
        assert len(tickets_of(acme.organization_id, limit=2)) == 2


@pytest.mark.parametrize("engine_name", ENGINES)
def test_two_at_once_are_one_piece_of_news(app: Flask, acme: Things, engine_name: str) -> None:
    requests = [request_of("intercom", OWNER) for _ in range(6)]
    start = threading.Barrier(len(requests))
    statuses: list[int] = []

    def run(request: Request) -> None:
        start.wait()
        statuses.append(send(app, request).status_code)

    threads = [threading.Thread(target=run, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * len(requests)
    with app.app_context():
        assert [row.times_shown for row in tickets_of(acme.organization_id)] == [len(requests)]
        assert len(opened(acme.organization_id)) == 1


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("what", ["portal_audit", "commit"])
@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_shown_that_could_not_be_noted(
    app: Flask, acme: Things, source: str, what: str, engine_name: str
) -> None:
    before, request = lasting(app), request_of(source, OWNER)
    with Broken(app, what) as fault:
        answer = send(app, request)
    assert fault.hits == 1
    assert answer.status_code == 500
    assert "acme" not in answer.text.lower()
    assert lasting(app) == before


def test_the_customer_sees_that_the_organization_was_shown(
    app: Flask, acme: Things, browse: Callable[[str | None], Browser]
) -> None:
    ask(app, "zendesk", "member@acme.example")
    page = browse(OWNER).send("GET", "/account/activity").text
    assert "Zendesk" in page
    assert "showed the support team this organization beside ticket 4711" in page


def test_the_app_for_zendesk_is_complete() -> None:
    """What Zendesk checks when the package is uploaded, and that the secret is a secure setting."""
    app = ROOT / "integrations" / "zendesk"
    manifest = json.loads((app / "manifest.json").read_text())
    words = json.loads((app / "translations" / f"{manifest['defaultLocale']}.json").read_text())["app"]
    page = (app / manifest["location"]["support"]["ticket_sidebar"]["url"]).read_text()
    for name in re.findall(r'(?:src|href)="([^":]+)"', page):
        assert (app / "assets" / name).is_file(), name
    settings = {setting["name"]: setting for setting in manifest["parameters"]}
    assert settings.keys() == words["parameters"].keys() == {"portal_url", "shared_secret"}
    assert settings["shared_secret"]["secure"] is True
    assert manifest["domainWhitelist"]
