"""Webhooks: signed, in order, tried again, and the switches for doubles, delay, disorder and pause."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.support import stripe_spec
from tests.support.processes import wait_until
from tests.support.stripe_standin import Receiver, StripeStandin

SECRET = "whsec_test"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as standin:
        yield standin


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def standin(running: StripeStandin, receiver: Receiver) -> StripeStandin:
    running.reset()
    running.set_webhook(receiver.url, SECRET)
    return running


def test_signature_is_one_that_the_client_takes(standin: StripeStandin, receiver: Receiver) -> None:
    standin.client().v1.customers.create({"name": "Acme"})
    receiver.wait_for("customer.created")
    got = receiver.received[0]
    assert stripe.WebhookSignature.verify_header(got.body.decode(), got.signature, SECRET, tolerance=60)
    event = stripe.Webhook.construct_event(got.body, got.signature, SECRET)
    assert event.data.object.name == "Acme"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(got.body.decode(), got.signature, "whsec_other")


def test_refused_delivery_is_tried_again(standin: StripeStandin, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    standin.client().v1.customers.create({"name": "Acme"})
    arrived = receiver.wait_for("customer.created", 3)
    assert len({event["id"] for event in arrived}) == 1
    assert [entry.status for entry in receiver.received] == [500, 302, 200]
    delivery = wait_until(
        "delivered", lambda: next((row for row in standin.deliveries() if row["state"] == "delivered"), None)
    )
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 302, 200]
    assert delivery["attempts"][1]["at"] - delivery["attempts"][0]["at"] >= 1


def test_failed_delivery_does_not_hold_up_the_next(standin: StripeStandin, receiver: Receiver) -> None:
    receiver.answers = [500]
    v1 = standin.client().v1
    v1.customers.create({"name": "First"})
    v1.products.create({"name": "Second"})
    receiver.wait_for("customer.created", 2)
    assert [event["type"] for event in receiver.events()] == [
        "customer.created",
        "product.created",
        "customer.created",
    ]


def test_events_arrive_in_the_order_of_creation(standin: StripeStandin, receiver: Receiver) -> None:
    made = [standin.client().v1.customers.create().id for _ in range(10)]
    arrived = receiver.wait_for("customer.created", 10)
    assert [event["data"]["object"]["id"] for event in arrived] == made


def test_duplicates_on_demand(standin: StripeStandin, receiver: Receiver) -> None:
    standin.delivery(duplicate=2)
    standin.client().v1.customers.create()
    arrived = receiver.wait_for("customer.created", 3)
    assert len({event["id"] for event in arrived}) == 1


def test_disorder_on_demand(standin: StripeStandin, receiver: Receiver) -> None:
    standin.delivery(paused=True, reorder=True)
    made = [standin.client().v1.customers.create().id for _ in range(5)]
    standin.delivery(reorder=True)
    arrived = receiver.wait_for("customer.created", 5)
    assert [event["data"]["object"]["id"] for event in arrived] == made[::-1]


def test_nothing_is_delivered_while_paused(standin: StripeStandin, receiver: Receiver) -> None:
    standin.delivery(paused=True)
    standin.client().v1.customers.create()
    time.sleep(0.6)
    assert not receiver.received
    standin.delivery()
    receiver.wait_for("customer.created")


def test_delay_on_demand(standin: StripeStandin, receiver: Receiver) -> None:
    standin.delivery(delay_seconds=1)
    began = time.time()
    standin.client().v1.customers.create()
    receiver.wait_for("customer.created")
    assert time.time() - began >= 1


def test_endpoint_gets_only_the_events_it_asked_for(standin: StripeStandin, receiver: Receiver) -> None:
    standin.drop_webhooks()
    v1 = standin.client().v1
    made = v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["product.created"]})
    v1.customers.create()
    v1.products.create({"name": "Pro"})
    receiver.wait_for("product.created")
    assert [event["type"] for event in receiver.events()] == ["product.created"]
    assert made.secret
    stripe.Webhook.construct_event(receiver.received[0].body, receiver.received[0].signature, made.secret)


def test_any_event_can_be_fired(standin: StripeStandin, receiver: Receiver) -> None:
    owner = standin.client().v1.customers.create({"name": "Acme"})
    fired = standin.fire("customer.deleted", object_id=owner.id, livemode=True, created=1_700_000_000)
    arrived = receiver.wait_for("customer.deleted")[0]
    assert arrived["id"] == fired["id"]
    assert (arrived["livemode"], arrived["created"]) == (True, 1_700_000_000)
    assert arrived["data"]["object"]["name"] == "Acme"
    stripe_spec.validate_object(arrived, strict=True)
    given: dict[str, Any] = {"id": "cus_other", "object": "customer", "created": 1, "livemode": False}
    standin.fire("customer.updated", obj=given, previous_attributes={"name": "Old"})
    assert receiver.wait_for("customer.updated")[0]["data"]["object"] == given
    assert standin.client().v1.events.retrieve(fired["id"]).type == "customer.deleted"


def test_queued_event_is_delivered_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    with StripeStandin(tmp_path) as first:
        first.set_webhook(receiver.url, SECRET)
        first.delivery(paused=True)
        first.client().v1.customers.create()
        first.process.kill_group()
    with StripeStandin(tmp_path) as second:
        second.set_webhook(receiver.url, SECRET)
        receiver.wait_for("customer.created")
