"""A backlog for the bench is what the receipt would have stored."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, select

from bench.backlog import add_events, count, remove_events
from bench.events import CUSTOMER, stripe_event
from bench.rig import ENVIRONMENT
from portal.stripe_mirror.models import EventStatus, StripeEvent
from tests.conftest import ENGINES, make_settings
from wsgi import create_app

COMPARED = ("type", "livemode", "customer_id", "object_id", "secret_hint", "status", "attempts")
pytestmark = pytest.mark.parametrize("engine_name", ENGINES)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def receive(database_url: str) -> None:
    """One of the bench's requests, sent to a portal with the bench's secret."""
    head, _, body = stripe_event().partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    secret = ENVIRONMENT["STRIPE_WEBHOOK_SECRETS"]
    app = create_app(make_settings(database_url, stripe_webhook_secrets=secret))
    answer = app.test_client().post("/webhooks/stripe", data=body, headers=headers)
    assert answer.status_code == 204


def test_events_that_wait_are_as_the_receipt_stores_them(
    app: Flask, database_url: str, engine: Engine
) -> None:
    receive(database_url)
    add_events(engine, [("customer.updated", CUSTOMER)], 2)
    with engine.connect() as connection:
        rows = connection.execute(select(*(getattr(StripeEvent, name) for name in COMPARED))).all()
    assert len(rows) == 3
    assert len(set(rows)) == 1
    assert count(engine, EventStatus.PENDING) == 3
    remove_events(engine)
    assert count(engine, EventStatus.PENDING) == 0
