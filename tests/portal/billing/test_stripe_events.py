"""Events are stored once, as they come, and handled by reading Stripe again."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.billing.models import Card, EventStatus, StripeEvent
from portal.billing.stripe_events import (
    RETRY_SCHEDULE,
    BadEventError,
    claim_events,
    handle_event,
    mark_event_failed,
    store_event,
)
from portal.errors import UnavailableError
from portal.extensions import db
from portal.gateways.stripe_api import BadSignatureError
from portal.invoices.models import Invoice, InvoiceStatus
from portal.kit.clock import utcnow
from tests.factories import World
from tests.fakes import FakeStripe
from tests.portal.billing.conftest import event, invoice_snapshot, signature

Receive = Callable[..., None]
CUSTOMER = {"id": "cus_acme", "object": "customer"}


def stored() -> StripeEvent:
    db.session.expire_all()
    return db.session.scalars(db.select(StripeEvent)).one()


def work() -> None:
    """What the worker does, once."""
    for event_id in [row.id for row in claim_events("worker", 10)]:
        handle_event(event_id, "worker")


def test_an_event_is_stored_once_and_as_it_came(world: World, receive: Receive) -> None:
    for _ in range(3):
        receive("customer.updated", CUSTOMER)
    row = stored()
    assert (row.type, row.status, row.attempts, row.livemode) == (
        "customer.updated",
        EventStatus.PENDING,
        0,
        False,
    )
    assert json.loads(row.payload)["data"]["object"] == CUSTOMER


def test_a_duplicate_does_not_wake_a_handled_event(world: World, receive: Receive) -> None:
    receive("customer.updated", CUSTOMER)
    work()
    receive("customer.updated", CUSTOMER)
    assert stored().status == EventStatus.HANDLED


def test_handling_reads_stripe_again_and_does_not_believe_the_event(world: World, receive: Receive) -> None:
    receive("customer.updated", {**CUSTOMER, "name": "A name of long ago"})
    work()
    row = stored()
    assert (row.status, row.attempts, row.next_attempt_at, row.claimed_by) == (
        EventStatus.HANDLED,
        1,
        None,
        None,
    )
    assert db.session.get_one(Card, world.acme.organization_id).last4 == "4242"
    from portal.identity.models import Organization

    assert db.session.get_one(Organization, world.acme.organization_id).name == "Acme"


def test_events_out_of_order_end_in_stripes_present_state(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot(status="paid")
    obj = {"id": "in_1", "object": "invoice", "customer": "cus_acme"}
    for number, kind in enumerate(["invoice.paid", "invoice.finalized", "invoice.created", "invoice.paid"]):
        receive(kind, {**obj, "status": "draft"}, f"evt_{number}")
    work()
    assert db.session.scalars(db.select(Invoice)).one().status == InvoiceStatus.PAID
    assert set(db.session.scalars(db.select(StripeEvent.status))) == {EventStatus.HANDLED}


ABOUT: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("customer.updated", CUSTOMER, {}, ["cus_acme"]),
    ("customer.deleted", CUSTOMER, {}, ["cus_acme"]),
    (
        "customer.subscription.updated",
        {"id": "sub_1", "object": "subscription", "customer": "cus_acme"},
        {},
        ["cus_acme"],
    ),
    (
        "customer.tax_id.created",
        {"id": "txi_1", "object": "tax_id", "customer": "cus_acme"},
        {},
        ["cus_acme"],
    ),
    (
        "payment_method.attached",
        {"id": "pm_1", "object": "payment_method", "customer": "cus_acme"},
        {},
        ["cus_acme"],
    ),
    (
        "payment_method.detached",
        {"id": "pm_1", "object": "payment_method", "customer": None},
        {"previous_attributes": {"customer": "cus_acme"}},
        ["cus_acme"],
    ),
    ("invoice.paid", {"id": "in_1", "object": "invoice", "customer": "cus_acme"}, {}, ["cus_acme", "in_1"]),
    ("invoice.upcoming", {"object": "invoice", "customer": "cus_acme"}, {}, []),
    ("payment_method.detached", {"id": "pm_1", "object": "payment_method", "customer": None}, {}, []),
    ("charge.succeeded", {"id": "ch_1", "object": "charge", "customer": "cus_acme"}, {}, []),
    ("customer_subscription.updated", {"id": "sub_1", "customer": "cus_acme"}, {}, []),
    ("billing_portal.session.created", {"id": "bps_1", "customer": "cus_acme"}, {}, []),
]


@pytest.mark.parametrize(
    ("kind", "obj", "data", "reads"), ABOUT, ids=[f"{row[0]}-{len(row[3])}" for row in ABOUT]
)
def test_what_is_read_for_which_event(
    world: World,
    receive: Receive,
    stripe: FakeStripe,
    kind: str,
    obj: dict[str, Any],
    data: dict[str, Any],
    reads: list[str],
) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    receive(kind, obj, data=data)
    work()
    assert stripe.reads == reads
    assert stored().status == (EventStatus.HANDLED if reads else EventStatus.IGNORED)


def test_an_event_of_the_other_mode_is_kept_and_never_handled(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    receive("customer.updated", CUSTOMER, livemode=True)
    work()
    assert stored().status == EventStatus.IGNORED
    assert stripe.reads == []


def test_a_customer_of_nobody_is_done_with(world: World, receive: Receive, stripe: FakeStripe) -> None:
    stripe.customers["cus_other"] = replace(stripe.customers["cus_acme"], id="cus_other")
    receive("customer.updated", {"id": "cus_other", "object": "customer"})
    work()
    assert stored().status == EventStatus.HANDLED


def test_a_failure_changes_nothing_and_is_tried_again(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    stripe.is_down = True
    receive("customer.updated", CUSTOMER)
    (row,) = claim_events("worker", 1)
    with pytest.raises(UnavailableError):
        handle_event(row.id, "worker")
    mark_event_failed(row.id, "worker", "Stripe does not answer")
    db.session.commit()
    failed = stored()
    assert (failed.status, failed.attempts, failed.last_error) == (
        EventStatus.PENDING,
        1,
        "Stripe does not answer",
    )
    assert failed.next_attempt_at is not None
    assert utcnow() < failed.next_attempt_at < utcnow() + timedelta(seconds=10)
    assert claim_events("worker", 1) == []


def test_when_the_schedule_is_used_up_an_event_is_dead(world: World, receive: Receive) -> None:
    receive("customer.updated", CUSTOMER)
    for _ in range(len(RETRY_SCHEDULE.waits) + 1):
        db.session.execute(update(StripeEvent).values(next_attempt_at=utcnow()))
        db.session.commit()
        assert claim_events("worker", 1)
        mark_event_failed("evt_1", "worker", "x" * 900)
        db.session.commit()
    row = stored()
    assert (row.status, row.next_attempt_at) == (EventStatus.DEAD, None)
    assert len(str(row.last_error)) == 500
    assert claim_events("worker", 1) == []


def test_who_lost_the_lease_neither_handles_nor_fails_it(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    receive("customer.updated", CUSTOMER)
    claim_events("dead", 1)
    db.session.execute(update(StripeEvent).values(claimed_by="alive"))
    db.session.commit()
    handle_event("evt_1", "dead")
    mark_event_failed("evt_1", "dead", "late")
    db.session.commit()
    row = stored()
    assert (row.status, row.attempts, row.claimed_by, stripe.reads) == (EventStatus.PENDING, 0, "alive", [])


GOOD: dict[str, Any] = {
    "id": "evt_1",
    "type": "customer.updated",
    "livemode": False,
    "created": 1,
    "data": {"object": {}},
}
BAD = [
    b"",
    b"no json",
    b"[]",
    b"null",
    b'"text"',
    b"[" * 100_000,
    b"{}",
    *(
        json.dumps({**GOOD, **wrong}).encode()
        for wrong in (
            {"id": None},
            {"id": "e" * 65},
            {"type": "t" * 81},
            {"livemode": "false"},
            {"created": "now"},
            {"created": True},
            {"created": 10**30},
            {"created": -(10**15)},
            {"data": []},
            {"data": {}},
            {"data": {"object": []}},
            {"id": "a\x00b"},
            {"type": "a\x00b"},
        )
    ),
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: str(body)[2:60])
def test_a_signed_body_that_is_no_event_is_refused(world: World, body: bytes) -> None:
    with pytest.raises(BadEventError) as refusal:
        store_event(body, signature(body))
    assert int(refusal.value.status) == 400
    assert db.session.scalars(db.select(StripeEvent)).all() == []


def test_a_nul_inside_the_object_is_kept_as_it_came(world: World, receive: Receive) -> None:
    receive("customer.updated", {**CUSTOMER, "name": "a\x00b"})
    assert json.loads(stored().payload)["data"]["object"]["name"] == "a\x00b"


@pytest.mark.parametrize(
    "obj", [{"object": "customer"}, {"object": "customer", "id": 7}, {"object": "invoice", "customer": ["x"]}]
)
def test_an_event_in_a_strange_form_is_no_fault_of_the_worker(
    world: World, receive: Receive, obj: dict[str, Any]
) -> None:
    from jobs.retry_stripe_events import retry_stripe_events
    from jobs.work import Work

    receive("customer.updated", obj)
    retry_stripe_events(Work("worker"))
    assert stored().status in {EventStatus.PENDING, EventStatus.IGNORED, EventStatus.HANDLED}


def test_the_double_verifies_signatures_as_the_real_one_does(world: World) -> None:
    body = event("customer.updated", CUSTOMER)
    with pytest.raises(BadSignatureError):
        store_event(body, signature(body, "whsec_other"))


@pytest.mark.parametrize(
    ("kind", "obj", "more", "customer"),
    [
        ("customer.updated", {"id": "cus_acme", "object": "customer"}, {}, "cus_acme"),
        ("invoice.paid", {"id": "in_1", "object": "invoice", "customer": "cus_acme"}, {}, "cus_acme"),
        (
            "payment_method.detached",
            {"id": "pm_1", "object": "payment_method", "customer": None},
            {"data": {"previous_attributes": {"customer": "cus_acme"}}},
            "cus_acme",
        ),
        ("product.updated", {"id": "prod_1", "object": "product"}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": {"id": "cus_acme"}}, {}, None),
        ("customer.updated", {"object": "customer"}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": "c" * 65}, {}, None),
        ("invoice.paid", {"id": "in_1", "customer": "cus\u0000"}, {}, None),
        ("payment_method.detached", {"id": "pm_1"}, {"data": {"previous_attributes": ["customer"]}}, None),
    ],
)
def test_an_event_names_the_customer_by_whom_it_can_be_found(
    world: World, kind: str, obj: dict[str, Any], more: dict[str, Any], customer: str | None
) -> None:
    body = event(kind, obj, **more)
    store_event(body, signature(body))
    db.session.commit()
    assert db.session.scalar(select(StripeEvent.customer_id)) == customer
