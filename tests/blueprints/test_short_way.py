"""Stripe's deliveries go the short way; it stores what the long way stores, and refuses nothing by itself."""

import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import event as events
from sqlalchemy.exc import OperationalError

from portal.extensions import db
from portal.stripe_mirror.models import EventStatus, IgnoredBecause, StripeEvent
from tests.conftest import ENGINES, WEBHOOK_SECRET
from tests.factories import World
from tests.support.stripe_events import event, signature

BODY = event("customer.updated", {"id": "cus_acme", "object": "customer"})
PATH = "/webhooks/stripe"
Long = list[str]


@pytest.fixture
def long_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Long:
    """The paths of the requests that Flask has seen."""
    seen: Long = []
    dispatch = app.full_dispatch_request

    def note(*args: Any) -> Any:
        seen.append(request.path)
        return dispatch(*args)

    monkeypatch.setattr(app, "full_dispatch_request", note)
    return seen


def deliver(app: Flask, body: bytes = BODY, **more: Any) -> Any:
    headers = {"Stripe-Signature": signature(body), "Content-Type": "application/json; charset=utf-8"}
    headers |= more.pop("headers", {})
    client = app.test_client()
    if "cookie" in more:
        client.set_cookie("portal_session", more.pop("cookie"))
    return client.post(PATH, data=body, headers=headers, **more)


def rows(app: Flask) -> list[dict[str, Any]]:
    """The stored events without when they came."""
    with app.app_context():
        found = db.session.scalars(db.select(StripeEvent).order_by(StripeEvent.id))
        late = {"received_at", "next_attempt_at"}
        names = [column.name for column in StripeEvent.__table__.columns if column.name not in late]
        return [{name: getattr(row, name) for name in names} for row in found]


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_delivery_is_stored_without_flask_and_answered_as_by_it(
    app: Flask, world: World, long_way: Long, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    short = deliver(app)
    stored = rows(app)
    assert (short.status_code, short.data, long_way) == (204, b"", [])
    with app.app_context():
        db.session.execute(db.delete(StripeEvent))
        db.session.commit()
    long = deliver(app, headers={"Sec-Fetch-Site": "none"})
    assert (long.status_code, long_way) == (204, [PATH])
    assert rows(app) == stored
    assert len(stored) == 1
    without = {"Content-Type", "Content-Security-Policy", "Vary", "X-Request-Id"}
    plain = [
        {name: value for name, value in answer.headers if name not in without} for answer in (short, long)
    ]
    assert plain[0] == plain[1]
    assert "script-src 'none'" in short.headers["Content-Security-Policy"]
    lines = [vars(record) for record in caplog.records if record.name == "portal.requests"]
    assert [line["request_id"] for line in lines] == [
        short.headers["X-Request-Id"],
        long.headers["X-Request-Id"],
    ]
    for name in ("method", "path", "endpoint", "status", "user", "organization"):
        assert lines[0][name] == lines[1][name]


@pytest.mark.parametrize("engine_name", ENGINES)
@pytest.mark.parametrize(
    ("kind", "more", "because"),
    [
        ("customer.updated", {"livemode": True}, IgnoredBecause.OTHER_MODE),
        ("billing_portal.session.created", {}, IgnoredBecause.KIND),
        ("invoice.upcoming", {}, IgnoredBecause.KIND),
        ("charge.refunded", {}, None),
        ("credit_note.created", {}, None),
        ("billing_portal.configuration.updated", {}, None),
    ],
)
def test_what_is_kept_and_with_which_content(
    app: Flask, world: World, kind: str, more: dict[str, Any], because: IgnoredBecause | None
) -> None:
    body = event(kind, {"id": "obj_1", "object": "any", "customer": "cus_acme"}, **more)
    assert deliver(app, body).status_code == 204
    (row,) = rows(app)
    assert row["ignored_because"] == because
    assert row["status"] == (EventStatus.IGNORED if because else EventStatus.PENDING)
    assert row["payload"] == ("{}" if because else body.decode())
    assert (row["customer_id"], row["object_id"]) == ("cus_acme", "obj_1")
    assert re.fullmatch("[0-9a-f]{8}", row["secret_hint"])


UNUSUAL: dict[str, tuple[int, dict[str, Any]]] = {
    "a cookie": (204, {"cookie": "made up"}),
    "from our own page": (204, {"headers": {"Origin": "http://localhost"}}),
    "from another site": (403, {"headers": {"Origin": "https://evil.example"}}),
    "a form": (400, {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    "a query": (204, {"query_string": "x=1"}),
    "another host": (400, {"headers": {"Host": "evil.example"}}),
    "no length": (400, {"environ_overrides": {"CONTENT_LENGTH": ""}}),
    "a made-up length": (400, {"environ_overrides": {"CONTENT_LENGTH": "9" * 5_000}}),
    "less than was announced": (400, {"environ_overrides": {"CONTENT_LENGTH": str(len(BODY) + 1)}}),
    "in chunks": (
        204,
        {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}},
    ),
    "without signature": (400, {"headers": {"Stripe-Signature": ""}}),
    "of long ago": (400, {"headers": {"Stripe-Signature": signature(BODY, at=time.time() - 400)}}),
    "ahead of time": (400, {"headers": {"Stripe-Signature": signature(BODY, at=time.time() + 40_000)}}),
    "of another secret": (400, {"headers": {"Stripe-Signature": signature(BODY, WEBHOOK_SECRET + "x")}}),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_whatever_is_out_of_the_ordinary_is_answered_by_flask(
    app: Flask, world: World, long_way: Long, what: str
) -> None:
    status, more = UNUSUAL[what]
    answer = deliver(app, **more)
    assert (answer.status_code, long_way) == (status, [PATH])
    assert len(rows(app)) == (1 if status == 204 else 0)
    if what in {"without signature", "of long ago", "ahead of time", "of another secret"}:
        assert json.loads(answer.data)["error"]["request_id"] == answer.headers["X-Request-Id"]


def test_a_long_body_is_refused_unread(app: Flask, world: World, long_way: Long) -> None:
    body = event("customer.updated", {"id": "cus_acme", "object": "customer", "name": "x" * 1_100_000})
    assert deliver(app, body).status_code == 413
    assert long_way == [PATH]


def test_other_addresses_and_methods_never_go_the_short_way(app: Flask, world: World, long_way: Long) -> None:
    client = app.test_client()
    headers = {"Stripe-Signature": signature(BODY), "Content-Type": "application/json"}
    assert client.put(PATH, data=BODY, headers=headers).status_code == 405
    assert client.post(f"{PATH}/", data=BODY, headers=headers).status_code == 404
    assert (long_way, rows(app)) == ([PATH, f"{PATH}/"], [])


@pytest.fixture
def broken_commit(app: Flask) -> Iterator[None]:
    """The next commit fails as it does where the connection is lost."""
    failures = iter([OperationalError("COMMIT", None, Exception("the connection is lost"))])

    def fail(_connection: object) -> None:
        for failure in failures:
            raise failure

    with app.app_context():
        engine = db.engine
    events.listen(engine, "commit", fail)
    yield
    events.remove(engine, "commit", fail)


@pytest.mark.parametrize("engine_name", ENGINES)
def test_what_fails_on_the_short_way_is_done_on_the_long_one(
    app: Flask, world: World, long_way: Long, broken_commit: None
) -> None:
    assert deliver(app).status_code == 204
    assert long_way == [PATH]
    assert len(rows(app)) == 1
