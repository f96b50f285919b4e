"""Staff look through Stripe's events, have them handled again, and have everything compared with Stripe."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.stripe_mirror import event_log
from portal.stripe_mirror.models import EventStatus, StripeEvent, StripeReconciliation
from tests.blueprints.things import REASON, Things
from tests.blueprints.web import Browser, dump
from tests.conftest import ENGINES
from tests.factories import World

Browse = Callable[[str | None], Browser]
SUPPORT, LEAD = "support@portal.example", "lead@portal.example"
D, P, H, I = EventStatus.DEAD, EventStatus.PENDING, EventStatus.HANDLED, EventStatus.IGNORED  # noqa: E741


def put(app: Flask, *events: dict[str, Any]) -> None:
    """Events received one minute after the other, `evt_0` first."""
    with app.app_context():
        first = utcnow() - timedelta(hours=2)
        for number, values in enumerate(events):
            row = {
                "id": f"evt_{number}",
                "type": "customer.updated",
                "livemode": False,
                "payload": '{"secret": "never shown"}',
                "status": H,
                "created_at": first,
                "received_at": first + timedelta(minutes=number),
                "next_attempt_at": None,
            }
            db.session.add(StripeEvent(**{**row, **values}))
        db.session.commit()


def listed(text: str) -> list[str]:
    """The events of a page, by the links to them, in its order."""
    marks = [part.partition('"')[0] for part in text.split("/admin/webhooks/events/")[1:]]
    return [mark for mark in marks if "/" not in mark]


def statuses(app: Flask) -> dict[str, EventStatus]:
    with app.app_context():
        return {row.id: row.status for row in db.session.execute(select(StripeEvent.id, StripeEvent.status))}


@pytest.mark.parametrize("engine_name", ENGINES)
def test_what_was_given_up_comes_first_then_the_newest(
    app: Flask, world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "PAGE_SIZE", 2)
    put(app, *({"status": status} for status in (H, D, P, D, I, D, H)))
    shown, address = [], "/admin/webhooks"
    while address:
        page = browse(SUPPORT).send("GET", address)
        assert page.status_code == 200
        shown += listed(page.text)
        more = page.text.partition('rel="next" href="')[2].partition('"')[0]
        address = more.replace("&amp;", "&")
    assert shown == ["evt_5", "evt_3", "evt_1", "evt_6", "evt_4", "evt_2", "evt_0"]


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=dead", ["evt_1"]),
        ("status=pending", ["evt_0"]),
        ("kind=invoice.", ["evt_1"]),
        ("kind=invoice%25", []),
        ("kind=evt_2", ["evt_2"]),
        ("organization=cus_acme", ["evt_1", "evt_0"]),
        ("organization=Acme", ["evt_1", "evt_0"]),
        ("organization=cus_gone", ["evt_2"]),
        ("organization=Acme&status=pending", ["evt_0"]),
    ],
)
def test_events_are_found_by_status_event_and_customer(
    app: Flask, world: World, browse: Browse, query: str, found: list[str]
) -> None:
    put(
        app,
        {"customer_id": "cus_acme", "status": P},
        {"customer_id": "cus_acme", "type": "invoice.paid", "status": D},
        {"customer_id": "cus_gone"},
    )
    page = browse(SUPPORT).send("GET", f"/admin/webhooks?{query}", HX_Request="true")
    assert (page.status_code, listed(page.text)) == (200, found)
    assert "<html" not in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=lost", "Choose a status"),
        ("organization=Nowhere", "There is no organization"),
        ("organization=Globex", "no customer at Stripe"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(world: World, browse: Browse, query: str, said: str) -> None:
    page = browse(SUPPORT).send("GET", f"/admin/webhooks?{query}")
    assert page.status_code == 422
    assert said in page.text
    assert "Nothing is shown" in page.text


def test_an_events_page_tells_what_became_of_it_and_never_its_content(
    app: Flask, world: World, browse: Browse
) -> None:
    put(
        app,
        {"customer_id": "cus_acme", "status": D, "attempts": 8, "last_error": "gone", "object_id": "in_1"},
    )
    page = browse(SUPPORT).send("GET", "/admin/webhooks/events/evt_0").text
    for told in ("Given up", "gone", "in_1", "cus_acme", world.acme.organization_id, "Test"):
        assert told in page, told
    assert "never shown" not in page
    assert "replay" not in page, "support reads"
    assert (
        "/admin/webhooks/events/evt_0/replay" in browse(LEAD).send("GET", "/admin/webhooks/events/evt_0").text
    )


def test_one_event_is_handled_again_whomever_it_is_about(app: Flask, world: World, browse: Browse) -> None:
    put(app, {"customer_id": "cus_acme", "status": D}, {"customer_id": None, "status": D}, {"status": I})
    for event_id, status in (("evt_0", 303), ("evt_1", 303), ("evt_2", 422)):
        path = f"/admin/webhooks/events/{event_id}/replay"
        assert browse(LEAD).send("POST", path, {"reason": REASON}).status_code == status
    assert statuses(app) == {"evt_0": P, "evt_1": P, "evt_2": I}
    with app.app_context():
        rows = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "stripe:event:replayed")
        ).all()
        about = {row.entity_id: row.organization_id for row in rows}
    assert about == {"evt_0": world.acme.organization_id, "evt_1": None}


@pytest.mark.parametrize("engine_name", ENGINES)
def test_all_events_since_a_time_are_handled_again(app: Flask, world: World, browse: Browse) -> None:
    put(app, {"status": H}, {"status": D}, {"status": I}, {"status": H})
    with app.app_context():
        received = db.session.get_one(StripeEvent, "evt_1").received_at
    since = f"{received.replace(second=0):%Y-%m-%dT%H:%M}"
    form = {"reason": REASON, "since": since}
    assert browse(LEAD).send("POST", "/admin/webhooks/replay", form).location == "/admin/webhooks"
    assert statuses(app) == {"evt_0": H, "evt_1": P, "evt_2": I, "evt_3": P}
    with app.app_context():
        logged = db.session.scalars(select(AuditEntry).where(AuditEntry.reason == REASON)).one()
        assert (logged.organization_id, logged.after) == (None, {"events": 2})


@pytest.mark.parametrize("since", ["", "yesterday", "2026-13-01T00:00", "9999-01-01T00:00", "0001-01-01"])
def test_a_time_that_is_none_or_to_come_is_refused(
    app: Flask, world: World, browse: Browse, since: str
) -> None:
    put(app, {"status": D})
    lead = browse(LEAD)
    before = dump(app)
    answer = lead.send("POST", "/admin/webhooks/replay", {"reason": REASON, "since": since})
    assert answer.status_code == 422
    assert 'id="since-error"' in answer.text
    assert f'value="{since}"' in answer.text or not since
    assert dump(app) == before


def test_a_comparison_is_queued_once_and_its_findings_are_shown(
    app: Flask, acme: Things, browse: Browse
) -> None:
    lead = browse(LEAD)
    assert lead.send("POST", "/admin/webhooks/reconcile", {"reason": REASON}).status_code == 303
    again = lead.send("POST", "/admin/webhooks/reconcile", {"reason": REASON})
    assert again.status_code == 422
    assert "under way" in again.text
    with app.app_context():
        assert len(db.session.scalars(select(StripeReconciliation)).all()) == 2, (
            "the one of the things, and ours"
        )
    found = browse(SUPPORT).send("GET", f"/admin/webhooks/reconciliations/{acme.reconciliation_id}").text
    for told in ("sub_1", "Was different here", "Put right", acme.organization_id):
        assert told in found, told


def test_a_finding_outlives_the_organizations_name(app: Flask, acme: Things, browse: Browse) -> None:
    with app.app_context():
        db.session.get_one(Organization, acme.organization_id).name = "<b>Acme</b>"
        db.session.commit()
    page = browse(SUPPORT).send("GET", f"/admin/webhooks/reconciliations/{acme.reconciliation_id}").text
    assert "&lt;b&gt;Acme" in page
