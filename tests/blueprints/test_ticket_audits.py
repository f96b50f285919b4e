"""Staff upload an export, follow it to its result, and settle what was unclear."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from demo.inbox.__main__ import FILE as DEMO_INBOX
from jobs.run_ticket_audits import run_ticket_audits
from jobs.work import Work
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.inbox.models import AuditStatus, InboxTicket, TicketAudit
from tests.blueprints.things import Things, make_unclear_ticket
from tests.blueprints.web import Browser
from tests.conftest import ENGINES
from tests.factories import World

Browse = Callable[[str | None], Browser]
SUPPORT, LEAD = "support@portal.example", "lead@portal.example"
NEW, TICKETS = "/admin/deflection/audits/new", "/admin/deflection/tickets"


def upload(**more: Any) -> dict[str, Any]:
    files = (io.BytesIO(DEMO_INBOX.read_bytes()), "support.csv")
    return {"files": files, "tagger": "default", "currency": "USD", **more}


@pytest.mark.parametrize("engine_name", ENGINES)
def test_from_upload_to_result(app: Flask, world: World, browse: Browse) -> None:
    lead, support = browse(LEAD), browse(SUPPORT)
    answer = lead.send(
        "POST", NEW, upload(minute_cost="0.75", since="2026-08-01", until="2026-11-15", retag="y")
    )
    assert answer.status_code == 303
    waiting = support.send("GET", answer.location)
    assert "It waits for a worker" in waiting.text
    assert 'hx-trigger="every 2s"' in waiting.text  # goes on after an answer that failed
    with app.app_context():
        assert run_ticket_audits(Work("worker")) == 1
    fragment = support.send("GET", answer.location, HX_Request="true").text
    assert "<html" not in fragment
    assert "every 2s" not in fragment
    for part in ("could be settled on a screen", "<svg", "A screen could do it", "report.pdf", "$0.75"):
        assert part in fragment
    csv = support.send("GET", f"{answer.location}/files/audit.csv")
    assert csv.text.startswith("rank,reason,title,screen,absorbable,tickets,share")
    assert csv.headers["Content-Disposition"].startswith('attachment; filename="audit.csv"')
    assert support.send("GET", f"{answer.location}/files/report.pdf").data.startswith(b"%PDF-")
    assert support.send("GET", f"{answer.location}/files/tags.json").status_code == 404
    assert "support.csv" in support.send("GET", "/admin/deflection/audits").text
    with app.app_context():
        audit = db.session.scalars(select(TicketAudit)).one()
        assert audit.is_retag
        assert audit.since is not None
        assert audit.until is not None
        assert (audit.since.isoformat()[:10], audit.until.isoformat()[:10]) == ("2026-08-01", "2026-11-16")


def test_what_is_refused_is_said_beside_its_field_and_keeps_what_was_typed(
    app: Flask, world: World, browse: Browse
) -> None:
    lead = browse(LEAD)
    cases = [
        (upload(files=[]), "Choose at least one file."),
        (upload(files=(io.BytesIO(b""), "a.csv")), "a.csv is empty."),
        (upload(minute_cost="cheap"), "Write an amount such as 0.75."),
        (upload(minute_cost="0,75"), "Write a point, not a comma, such as 0.75."),
        (upload(minute_cost="1", currency="XXL"), "Three letters such as USD."),
        (upload(since="2026-10-02", until="2026-10-01"), "The last day must not be before the first."),
        (upload(tagger="oracle"), "Choose a tagger from the list."),
        (upload(since="yesterday"), "Write a day such as 2026-03-31."),
    ]
    for form, said in cases:
        answer = lead.send("POST", NEW, form)
        assert (answer.status_code, said in answer.text) == (422, True), said
    with app.app_context():
        assert db.session.scalars(select(TicketAudit.id)).all() == []


def test_a_tagger_that_is_not_installed_is_not_offered(
    world: World, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, e5 = browse(LEAD), '<option value="e5"'
    assert e5 in lead.send("GET", NEW).text
    monkeypatch.setattr("portal.gateways.sentence_vectors.MODEL", "not_installed_here")
    assert e5 not in lead.send("GET", NEW).text
    assert lead.send("POST", NEW, upload(tagger="e5")).status_code == 422


def test_support_reads_and_does_not_ask(app: Flask, acme: Things, browse: Browse) -> None:
    support = browse(SUPPORT)
    assert support.send("POST", NEW, upload()).status_code == 403
    assert support.send("GET", NEW).status_code == 403
    assert support.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "refund"}).status_code == 403
    page = support.send("GET", TICKETS).text
    assert "What about my money?" in page
    assert "<select" not in page.partition('id="ticket-')[2]
    for member in ("owner@acme.example", None):
        assert browse(member).send("GET", TICKETS).status_code in (302, 303, 403, 404)


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_lead_settles_a_reason_with_and_without_script(
    app: Flask, acme: Things, globex: Things, browse: Browse
) -> None:
    lead = browse(LEAD)
    row = lead.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "api_keys"}, HX_Request="true")
    assert row.status_code == 200
    assert row.text.count("<li") == 1
    assert "settled by Lead" in row.text
    left = lead.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "leave"}, HX_Request="true")
    assert 'value="" selected>Choose a reason' in left.text
    again = lead.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "leave"}, HX_Request="true")
    assert (again.status_code, "Nobody has settled" in again.text) == (422, True)
    row = lead.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "api_keys"}, HX_Request="true")
    assert (row.text.count(" selected>"), "Leave to the tagger" in row.text) == (1, True)
    plain = lead.send("POST", f"{TICKETS}/{globex.ticket_id}/reason", {"reason": "refund"})
    assert (plain.status_code, plain.location) == (303, TICKETS)
    wrong = lead.send("POST", f"{TICKETS}/{acme.ticket_id}/reason", {"reason": "unclear"}, HX_Request="true")
    assert (wrong.status_code, "Choose a reason from the list." in wrong.text) == (422, True)
    assert lead.send("POST", f"{TICKETS}/itk_unknown/reason", {"reason": "refund"}).status_code == 404
    assert "Nothing is unclear" in lead.send("GET", TICKETS).text
    settled = lead.send("GET", f"{TICKETS}?show=settled&reason=api_keys", HX_Request="true").text
    assert (acme.ticket_id in settled, globex.ticket_id in settled, "<html" in settled) == (
        True,
        False,
        False,
    )
    with app.app_context():
        assert db.session.get_one(InboxTicket, acme.ticket_id).reason == "api_keys"
        entries = select(AuditEntry.organization_id).where(AuditEntry.action == "inbox:reason:pinned")
        assert db.session.scalars(entries).all() == [None, None, None]


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_pages_of_tickets_follow_each_other(app: Flask, world: World, browse: Browse) -> None:
    with app.app_context():
        made = {make_unclear_ticket(str(number)) for number in range(65)}
    seen: list[str] = []
    address: str | None = TICKETS
    while address:
        text = browse(SUPPORT).send("GET", address).text
        seen += [part.partition('"')[0] for part in text.split('id="ticket-')[1:]]
        link = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        address = link or None
    assert (len(seen), set(seen)) == (65, made)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_failed_audit_says_why(app: Flask, acme: Things, browse: Browse) -> None:
    page = browse(SUPPORT).send("GET", f"/admin/deflection/audits/{acme.audit_id}").text
    assert "This audit failed" in page
    assert "No ticket could be read." in page
    assert (
        AuditStatus.FAILED.value.capitalize() in browse(SUPPORT).send("GET", "/admin/deflection/audits").text
    )
