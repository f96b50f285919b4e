"""A change is whole or it is not there; reading changes nothing; Stripe hears yes only after the commit."""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from sqlalchemy import event

from portal.extensions import db
from portal.identity.models import UserSession
from portal.journal import Driver
from portal.kit.clock import utcnow
from portal.stripe_mirror.models import StripeEvent
from tests.blueprints.things import Things, address, form
from tests.blueprints.web import Browser, dump, routes, sender
from tests.conftest import ENGINES
from tests.factories import World
from tests.support.stripe_events import event as stripe_event
from tests.support.stripe_events import signature

Browse = Callable[[str | None], Browser]
COUNTED = {"attempt_counters"}
"""Guesses stay counted although the request fails."""
WITHOUT_CHANGE = {"account.appearance", "webhooks.receive_stripe_event"} | {
    f"api.{view}"
    for view in ("zendesk", "intercom_initialize", "intercom_submit", "helpscout", "dismiss_nudge")
}
"""Of those that must be signed, tests/portal/billing, test_help_desk_signatures.py and test_nudges.py speak."""
NOTHING_PLANNED = {f"billing.{view}" for view in ("confirm_switch", "keep_plan", "release_change")}
"""Stripe's double offers no other plan and has none to take back: tests/portal/billing/test_switching.py has."""
NO_CONTRACT = {"admin.add_document"}
"""Acme has none to put a document beside: tests/blueprints/test_contract.py."""
FIELDS_OF_A_COUNTRY = {"billing.company_fields", "billing.tax_id_fields"}
"""They draw a form once more."""
DONE_BEFORE = {
    "POST /account/team/members/<member_id>/role",
    "POST /account/team/invitations/<invitation_id>/revoke",
    "POST /admin/notifications/<int:message_id>/resend",
    "POST /account/notifications/read",
    "POST /admin/webhooks/events/<event_id>/replay",
    "POST /admin/webhooks/replay",
    "POST /account/billing/tax-ids/<tax_id>/look-up",
    "POST /account/notifications/<int:notification_id>/read",
    "POST /notifications/unsubscribe/<unsubscribe_token>",
    "POST /admin/organizations/<organization_id>/messages/<int:message_id>/resend",
}
"""What another route before may have done to the same thing already."""
RENEWING = {"auth.second_factor_submit"} | {
    f"security.{view}"
    for view in (
        "change_password",
        "end_sessions",
        "prove",
        "turn_on",
        "turn_off",
        "make_codes",
        "keep_codes",
    )
}
"""They want codes and give sessions new tokens: tests/blueprints/test_security.py breaks each of them."""
PUT_DOWN = {"activity.list_entries_file", "admin.audit_log_file"}
"""Files that a row of the log tells of, as an access log would; asking for their headers alone leaves none."""
BODY = stripe_event("customer.updated", {"id": "cus_acme", "object": "customer"})


def lasting(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in dump(app).items() if name not in COUNTED}


class Broken:
    """Makes one kind of statement fail while it is active."""

    def __init__(self, app: Flask, what: str) -> None:
        self.app, self.what, self.hits = app, what, 0

    def __enter__(self) -> "Broken":
        with self.app.app_context():
            self.engine = db.engine
        if self.what == "commit":
            event.listen(self.engine, "commit", self._commit)
        else:
            self.run = mock.patch.object(Driver, "run", self._breaking(Driver.run))
            self.run.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.what == "commit":
            event.remove(self.engine, "commit", self._commit)
        else:
            self.run.stop()

    def _commit(self, _connection: object) -> None:
        self.hits += 1
        raise RuntimeError("the disk is full")

    def _breaking(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def run_or_break(driver: Driver, text: str, bound: tuple[Any, ...]) -> Any:
            if f"INSERT INTO {self.what} " in text:
                self.hits += 1
                raise RuntimeError("the disk is full")
            return run(driver, text, bound)

        return run_or_break


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("what", ["portal_audit", "outbox", "commit"])
def test_a_change_is_whole_or_not_there(
    app: Flask, acme: Things, browse: Browse, monkeypatch: pytest.MonkeyPatch, what: str, engine_name: str
) -> None:
    monkeypatch.setattr(sys.modules["blueprints.product.invitations"], "count_attempt", lambda *_: None)
    monkeypatch.setattr("portal.identity.throttle.count_attempt", lambda *_: None)
    browsers = {email: browse(email) for email in (None, "owner@acme.example", "lead@portal.example")}
    before, broken = lasting(app), 0
    for rule, method in routes(app, changing=True):
        if rule.endpoint in WITHOUT_CHANGE | RENEWING:
            continue
        browser = browsers[sender(rule.endpoint)]
        with Broken(app, what) as fault:
            answer = browser.send(method, address(rule, acme), form(rule.endpoint, acme))
        name = f"{method} {rule.rule}"
        if fault.hits:
            assert answer.status_code == 500, name
            assert (
                "Set-Cookie" not in answer.headers or "portal_session=" not in answer.headers["Set-Cookie"]
            ), name
            assert lasting(app) == before, name
            broken += 1
        else:
            before = lasting(app)  # this route does not need what was broken
    assert broken >= {"portal_audit": 9, "outbox": 3, "commit": 10}[what]


def test_every_writing_route_works_where_nothing_is_broken(app: Flask, acme: Things, browse: Browse) -> None:
    """The other half of the rule above: those routes do write."""
    browsers = {email: browse(email) for email in ("owner@acme.example", "lead@portal.example")}
    unchanged = []
    for rule, method in routes(app, changing=True):
        if rule.endpoint in (
            WITHOUT_CHANGE | RENEWING | NOTHING_PLANNED | NO_CONTRACT | FIELDS_OF_A_COUNTRY
        ) | {
            "auth.sign_in_submit",
            "invitation.accept",
            "account.switch_organization",
            "auth.sign_out",
            "admin.view_as_customer",  # from then on nothing can be changed; see test_view.py
            "admin.end_view",
        }:
            continue
        before = lasting(app)
        browsers[sender(rule.endpoint)].send(method, address(rule, acme), form(rule.endpoint, acme))
        if lasting(app) == before:
            unchanged.append(f"{method} {rule.rule}")
    assert set(unchanged) <= DONE_BEFORE


@pytest.mark.parametrize("email", [None, "owner@acme.example", "lead@portal.example"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_change_nothing(
    app: Flask, acme: Things, browse: Browse, email: str | None, method: str
) -> None:
    browser = browse(email)
    before = dump(app)
    for rule, _ in routes(app, changing=False):
        for headers in ({}, {"HX_Request": "true"}):
            browser.send(method, address(rule, acme), **headers)
            after = dump(app)
            if rule.endpoint in PUT_DOWN and method == "GET":
                before |= {name: after[name] for name in ("portal_audit", "audit_heads")}
            assert after == before, f"{method} {rule.rule}"


def test_reading_moves_only_when_the_session_was_last_seen(app: Flask, world: World, browse: Browse) -> None:
    owner = browse("owner@acme.example")
    with app.app_context():
        db.session.execute(db.update(UserSession).values(last_seen_at=utcnow() - timedelta(hours=1)))
        db.session.commit()
    before = dump(app)
    owner.send("GET", "/account/team", HX_Request="true")
    assert dump(app) == before, "a page that asks by itself does not keep a session alive"
    owner.send("GET", "/account/team")
    after = dump(app)
    assert {name for name in after if after[name] != before[name]} == {"user_sessions"}


def post(app: Flask, body: bytes = BODY, header: str | None = None) -> int:
    headers = {"Stripe-Signature": signature(body) if header is None else header}
    return app.test_client().post("/webhooks/stripe", data=body, headers=headers).status_code


def events(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(db.select(StripeEvent)).all())


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_signed_event_is_stored_once(app: Flask, world: World, engine_name: str) -> None:
    assert [post(app) for _ in range(3)] == [204, 204, 204]
    assert events(app) == 1


@pytest.mark.parametrize("header", ["", "t=1,v1=0", "noise", "t=1,v1=\xfc"])
def test_an_unsigned_event_is_refused_and_not_stored(app: Flask, world: World, header: str) -> None:
    assert post(app, header=header) == 400
    assert events(app) == 0


def test_a_signed_body_that_is_no_event_is_refused(app: Flask, world: World) -> None:
    assert post(app, b"[]") == 400
    assert events(app) == 0


@pytest.mark.parametrize("engine_name", ENGINES)
def test_stripe_hears_yes_only_after_the_commit(app: Flask, world: World, engine_name: str) -> None:
    with Broken(app, "commit") as fault:
        assert post(app) == 500
    assert fault.hits
    assert events(app) == 0
    assert post(app) == 204
    assert events(app) == 1


def test_without_stripe_the_webhook_asks_to_come_again(app: Flask, world: World) -> None:
    app.extensions["portal"].stripe = None
    assert post(app) == 503


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    "path",
    [
        "/account/activity?after=",
        "/admin/audit-log?after=",
        "/account/invoices?after=",
        "/account/team?after=",
        "/admin/organizations?after=",
    ],
)
def test_a_cursor_that_was_made_up_is_no_fault(
    app: Flask, acme: Things, browse: Browse, path: str, engine_name: str
) -> None:
    from portal.kit.paging import encode_cursor

    browser = browse("lead@portal.example" if path.startswith("/admin") else "owner@acme.example")
    cursors = [
        ["a", "b"],
        [2**80],
        [-1],
        ["\ud800", "x"],
        ["2026-01-01", "x"],
        ["9999-12-31T23:59:59-14:00", "x"],
        ["x" * 5_000, "y"],
    ]
    for values in cursors:
        answer = browser.send("GET", path + encode_cursor(values))
        assert answer.status_code < 500, values


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    "hostile", ["a'", "' OR 1=1--", "%00", "%ED%A0%80", "\\", "%", "(select 1)", "x" * 5_000]
)
def test_a_search_for_anything_is_no_fault(
    app: Flask, acme: Things, browse: Browse, hostile: str, engine_name: str
) -> None:
    assert browse("owner@acme.example").send("GET", f"/account/team?q={hostile}").status_code < 500
    assert browse("lead@portal.example").send("GET", f"/admin/organizations?q={hostile}").status_code < 500


@pytest.mark.parametrize("engine_name", ENGINES)
def test_an_id_of_any_form_is_no_fault(app: Flask, acme: Things, browse: Browse, engine_name: str) -> None:
    owner, lead = browse("owner@acme.example"), browse("lead@portal.example")
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            for thing_id in ("%00", "a" * 4_000, "%ED%A0%80", "..%2f..%2fetc", "'") if rule.arguments else ():
                path = address(rule, acme, **dict.fromkeys(rule.arguments, thing_id))
                browser = lead if rule.endpoint.startswith("admin.") else owner
                answer = browser.send(method, path, form(rule.endpoint, acme) if changing else None)
                assert answer.status_code < 500, f"{method} {rule.rule} {thing_id[:20]}"


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize("typed", ["\x00", "a\x00b", "\ud800", "a" * 100_000])
def test_a_form_full_of_anything_is_no_fault(
    app: Flask, acme: Things, browse: Browse, typed: str, engine_name: str
) -> None:
    hostile = typed.encode("utf-8", "surrogatepass")
    for rule, method in routes(app, changing=True):
        browser = browse(sender(rule.endpoint))
        for name in form(rule.endpoint, acme):
            data = {**form(rule.endpoint, acme), name: hostile}
            answer = browser.send(method, address(rule, acme), data)
            assert answer.status_code < 500, f"{method} {rule.rule} {name}"
