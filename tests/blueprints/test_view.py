"""View as the customer: what an owner sees, and nothing else; every change is refused on the server."""

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.routing import Rule

from blueprints._guards import Door, guard_of
from demo.usage import write_usage
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import UserSession
from portal.kit.clock import utcnow
from portal.logs import JsonLines
from portal.notifications.models import Channel, OutboxMessage
from portal.scope import SCREENS
from portal.support.models import StaffView
from portal.support.views import end_finished_views
from tests.blueprints.things import REASON, Things, address, form
from tests.blueprints.web import Browser, dump, routes
from tests.conftest import ENGINES

Browse = Callable[[str | None], Browser]
WAYS_OUT = {"admin.end_view", "auth.sign_out"}
STAFF = ("support@portal.example", "lead@portal.example")


def view(browse: Browse, things: Things, email: str = "support@portal.example") -> Browser:
    """A browser of the staff in a view of this organization."""
    browser = browse(email)
    answer = browser.send("POST", f"/admin/organizations/{things.organization_id}/view", {"reason": REASON})
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/account"), answer.text
    return browser


def rows(app: Flask, action: str) -> list[AuditEntry]:
    with app.app_context():
        return list(
            db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        )


@pytest.mark.parametrize("email", STAFF)
@pytest.mark.parametrize("engine_name", ENGINES)
def test_no_route_changes_anything_from_inside_a_view(
    app: Flask, acme: Things, globex: Things, browse: Browse, email: str, engine_name: str
) -> None:
    browser = view(browse, acme, email)
    before, tried = dump(app), 0
    for rule, method in routes(app, changing=True):
        if rule.endpoint in WAYS_OUT:
            continue
        for things in (acme, globex):
            for headers in ({}, {"HX_Request": "true"}):
                answer = browser.send(method, address(rule, things), form(rule.endpoint, things), **headers)
                name = f"{method} {rule.rule}"
                assert answer.status_code == 403, name
                assert "Set-Cookie" not in answer.headers or "session" not in answer.headers["Set-Cookie"], (
                    name
                )
        tried += 1
    assert tried > 20
    assert dump(app) == before


def owners_screens(app: Flask, rule: Rule) -> bool:
    """Whether an owner has a permission for this page: those are open in a view."""
    with app.app_context():
        guard = guard_of(rule.endpoint)
    assert guard is not None
    return guard.door is Door.PERMISSION


def without_log(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Every row but those of the log, which tells who took a copy of it."""
    return {name: rows for name, rows in dump(app).items() if name not in {"portal_audit", "audit_heads"}}


def test_a_view_shows_what_the_owner_sees_and_no_persons_own_pages(
    app: Flask, acme: Things, browse: Browse, metering_url: str
) -> None:
    write_usage(metering_url, acme.organization_id, until=utcnow(), monthly_start=100, growth=0.0, seed=1)
    owner, staff = browse("owner@acme.example"), view(browse, acme)
    before = without_log(app)
    opened = closed = 0
    for rule, method in routes(app, changing=False):
        with app.app_context():
            door = guard_of(rule.endpoint).door  # type: ignore[union-attr]
        path = address(rule, acme)
        answer = staff.send(method, path)
        if door is Door.PERMISSION:
            theirs = owner.send(method, path)
            assert (answer.status_code, answer.mimetype) == (theirs.status_code, theirs.mimetype), path
            opened += 1
        elif door is Door.SIGNED_IN and rule.endpoint != "account.start":
            assert answer.status_code == 403, path
            closed += 1
        if answer.mimetype == "text/html" and answer.status_code < 300 and door is not Door.PUBLIC:
            assert "You see what an owner of Acme sees." in answer.text, path
    assert opened > 8
    assert closed > 1
    assert without_log(app) == before


def test_the_screens_of_a_view_are_the_owners(acme: Things, browse: Browse) -> None:
    text = view(browse, acme).send("GET", "/account/team").text
    side = re.search(r'<nav class="nav--side".*?</nav>', text, re.DOTALL)
    assert side is not None
    for screen in SCREENS:
        assert (f">{screen.label}<" in re.sub(r"<svg.*?</svg>", "", side[0])) == (
            screen.permission is not None
        )
    assert "Your profile" not in text
    assert "target@acme.example" in text


def test_a_view_is_of_one_organization(acme: Things, globex: Things, browse: Browse) -> None:
    staff = view(browse, acme)
    for path in (f"/account/invoices/{globex.invoice_id}", f"/account/api-keys/{globex.key_id}/revoke"):
        assert staff.send("GET", path).status_code == 404
    assert "globex" not in staff.send("GET", "/account/team").text.lower()


def test_a_view_needs_a_reason_and_keeps_what_was_typed(app: Flask, acme: Things, browse: Browse) -> None:
    staff = browse("support@portal.example")
    path = f"/admin/organizations/{acme.organization_id}/view"
    for typed in ("", "  ", "why", "x" * 501, "\u200b" * 9):
        answer = staff.send("POST", path, {"reason": typed})
        assert answer.status_code == 422, typed
        assert f">\r\n{typed}</textarea>" in answer.text
    assert rows(app, "staff:view:started") == []
    assert staff.send("GET", "/account/team").status_code == 403


@pytest.mark.parametrize("engine_name", ENGINES)
def test_start_and_end_stand_in_the_customers_log_and_the_owners_are_told(
    app: Flask, acme: Things, browse: Browse, engine_name: str
) -> None:
    staff = view(browse, acme)
    assert staff.send("POST", "/admin/view/end").status_code == 303
    owner = browse("owner@acme.example").send("GET", "/account/activity").text
    for action in ("staff:view:started", "staff:view:ended"):
        (row,) = rows(app, action)
        assert (row.chain, row.organization_id, row.actor_kind.value) == (
            acme.organization_id,
            acme.organization_id,
            "staff",
        )
        assert row.actor_name == "Support"
    assert rows(app, "staff:view:started")[0].reason == REASON
    assert "started to view Acme" in owner
    assert "ended the read-only view of Acme" in owner
    with app.app_context():
        event = db.session.scalars(
            select(OutboxMessage).where(
                OutboxMessage.topic == "staff-viewed", OutboxMessage.channel == Channel.EVENT
            )
        ).one()
        assert (event.organization_id, event.payload["reason"], event.payload["actor"]) == (
            acme.organization_id,
            REASON,
            "Support",
        )
    assert staff.send("GET", "/account/team").status_code == 403


def test_the_view_is_over_after_30_minutes_whatever_the_browser_does(
    app: Flask, acme: Things, browse: Browse
) -> None:
    staff = view(browse, acme)
    assert "in 30 minutes" in staff.send("GET", "/account/team").text
    set_expiry(app, utcnow() + timedelta(seconds=30))
    assert staff.send("GET", "/account/team").status_code == 200
    set_expiry(app, utcnow() - timedelta(seconds=1))
    assert staff.send("GET", "/account/team").status_code == 403
    assert staff.send("POST", "/account/api-keys", {"name": "Mine"}).status_code == 403
    assert staff.send("POST", "/admin/view/end").status_code == 303
    with app.app_context():
        assert end_finished_views() == 1
        db.session.commit()
        assert end_finished_views() == 0
    (row,) = rows(app, "staff:view:ended")
    assert (row.actor_kind.value, row.after["viewed_by"], row.chain) == (
        "system",
        "Support",
        acme.organization_id,
    )  # type: ignore[index]


def set_expiry(app: Flask, moment: object) -> None:
    with app.app_context():
        db.session.execute(update(StaffView).values(expires_at=moment))
        db.session.commit()


def test_signing_out_ends_the_view_and_keeps_the_customers_log_free_of_it(
    app: Flask, acme: Things, browse: Browse
) -> None:
    staff = view(browse, acme)
    assert staff.send("POST", "/auth/sign-out").status_code == 303
    assert len(rows(app, "staff:view:ended")) == 1
    (signed_out,) = rows(app, "session:sign-out:done")
    assert signed_out.organization_id is None
    assert staff.send("GET", "/account/team").headers["Location"].startswith("/auth/sign-in")


def test_a_view_ends_with_its_session_however_that_ended(app: Flask, acme: Things, browse: Browse) -> None:
    view(browse, acme)
    with app.app_context():
        assert end_finished_views() == 0
        db.session.execute(update(UserSession).values(revoked_at=utcnow()))
        assert end_finished_views() == 1
        db.session.commit()
    assert len(rows(app, "staff:view:ended")) == 1


def test_a_view_holds_in_the_session_that_started_it_and_a_second_one_ends_it(
    app: Flask, acme: Things, globex: Things, browse: Browse
) -> None:
    first, second = view(browse, acme), browse("support@portal.example")
    assert second.send("GET", "/account/team").status_code == 403
    answer = second.send("POST", f"/admin/organizations/{globex.organization_id}/view", {"reason": REASON})
    assert answer.status_code == 303
    assert first.send("GET", "/account/team").status_code == 403
    assert "Globex" in second.send("GET", "/account/team").text
    assert [row.organization_id for row in rows(app, "staff:view:ended")] == [acme.organization_id]


def test_who_is_no_longer_staff_has_no_view(app: Flask, acme: Things, browse: Browse) -> None:
    from portal.identity.models import User

    staff = view(browse, acme)
    with app.app_context():
        db.session.execute(update(User).where(User.email == "support@portal.example").values(staff_role=None))
        db.session.commit()
    assert staff.send("GET", "/account/team").status_code == 403
    assert staff.send("POST", "/admin/view/end").status_code == 404


def test_every_request_in_a_view_is_logged_with_who_looks(
    app: Flask, acme: Things, browse: Browse, caplog: pytest.LogCaptureFixture
) -> None:
    staff = view(browse, acme)
    caplog.set_level(logging.INFO)
    caplog.clear()
    staff.send("GET", "/account/invoices")
    staff.send("POST", "/account/api-keys", {"name": "Mine"})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    requests = [line for line in lines if line["message"] == "request"]
    with app.app_context():
        found = db.session.scalars(select(StaffView)).one()
        wanted = (found.user_id, found.organization_id, found.id)
    assert [(line["user"], line["organization"], line["view"]) for line in requests] == [wanted, wanted]


def test_customers_cannot_view(acme: Things, globex: Things, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    for things in (acme, globex):
        path = f"/admin/organizations/{things.organization_id}/view"
        assert owner.send("GET", path).status_code == 404
        assert owner.send("POST", path, {"reason": REASON}).status_code == 404
    assert "Globex" not in owner.send("GET", "/account/team").text


def test_an_error_page_in_a_view_says_so_too(acme: Things, browse: Browse) -> None:
    text = view(browse, acme).send("POST", "/account/api-keys", {"name": "Mine"}).text
    assert "You are viewing Acme read-only" in text
    assert "End view" in text
