"""Events are stored once, as they come, and handled by reading Stripe again."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from portal.billing.models import PaymentMethod
from portal.errors import UnavailableError
from portal.extensions import db
from portal.invoices.models import Invoice, InvoiceStatus
from portal.kit.clock import utcnow
from portal.kit.work import RETRY_SCHEDULE
from portal.notifications.models import OutboxMessage
from portal.stripe_mirror.events import (
    MOST_AT_ONCE,
    claim_events,
    handle_events,
    mark_event_failed,
)
from portal.stripe_mirror.models import EventStatus, StripeEvent
from portal.stripe_mirror.sync import sync_customer
from tests.factories import World
from tests.fakes import FakeStripe
from tests.support.stripe_events import credit_note_snapshot, invoice_snapshot

Receive = Callable[..., None]
CUSTOMER = {"id": "cus_acme", "object": "customer"}


def stored() -> StripeEvent:
    db.session.expire_all()
    row: StripeEvent = db.session.scalars(db.select(StripeEvent)).one()
    return row


def work() -> None:
    """What the worker does, once."""
    while event_ids := claim_events("worker"):
        handle_events(event_ids, "worker")


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
    assert db.session.scalars(db.select(PaymentMethod.last4)).one() == "4242"
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


def of(kind: str, object_id: str, customer: str | None = "cus_acme", **more: Any) -> dict[str, Any]:
    return {"id": object_id, "object": kind, "customer": customer, **more}


BEFORE = {"previous_attributes": {"customer": "cus_acme"}}
ABOUT: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("customer.updated", CUSTOMER, {}, ["cus_acme"]),
    ("customer.deleted", CUSTOMER, {}, ["cus_acme"]),
    ("customer.subscription.updated", of("subscription", "sub_1"), {}, ["cus_acme"]),
    ("customer.tax_id.created", of("tax_id", "txi_1"), {}, ["cus_acme"]),
    ("payment_method.attached", of("payment_method", "pm_2"), {}, ["cus_acme", "cus_acme"]),
    ("payment_method.detached", of("payment_method", "pm_2", None), BEFORE, ["cus_acme", "cus_acme"]),
    ("payment_method.detached", of("payment_method", "pm_1", None), {}, ["cus_acme", "cus_acme"]),
    ("invoice.paid", of("invoice", "in_1"), {}, ["cus_acme", "in_1"]),
    ("invoice.deleted", of("invoice", "in_gone"), {}, ["cus_acme", "in_gone"]),
    ("credit_note.created", of("credit_note", "cn_1", invoice="in_1"), {}, ["cus_acme", "cn_1", "in_1"]),
    ("charge.refunded", of("charge", "ch_1"), {}, ["cus_acme", "ch_1", "in_1"]),
    ("charge.refunded", of("charge", "ch_none"), {}, ["cus_acme", "ch_none"]),
    ("invoice.upcoming", {"object": "invoice", "customer": "cus_acme"}, {}, []),
    ("payment_method.detached", of("payment_method", "pm_2", None), {}, []),
    ("charge.succeeded", of("charge", "ch_1"), {}, []),
    ("customer_subscription.updated", {"id": "sub_1", "customer": "cus_acme"}, {}, []),
    ("billing_portal.session.created", {"id": "bps_1", "customer": "cus_acme"}, {}, []),
]


def test_what_is_read_for_which_event(world: World, receive: Receive, stripe: FakeStripe) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    stripe.known_credit_notes["cn_1"] = credit_note_snapshot()
    stripe.charges |= {"ch_1": ("cus_acme", "in_1"), "ch_none": ("cus_acme", None)}
    sync_customer("cus_acme")
    for number, (kind, obj, data, reads) in enumerate(ABOUT):
        stripe.reads.clear()
        receive(kind, obj, f"evt_{number}", data=data)
        work()
        assert stripe.reads == reads, kind
        status = db.session.get_one(StripeEvent, f"evt_{number}", populate_existing=True).status
        assert status == (EventStatus.HANDLED if reads else EventStatus.IGNORED), kind


def test_the_first_reading_reads_everything(world: World, receive: Receive, stripe: FakeStripe) -> None:
    stripe.known_invoices["in_old"] = invoice_snapshot(id="in_old")
    receive("customer.updated", CUSTOMER)
    work()
    assert db.session.scalars(db.select(Invoice.stripe_id)).all() == ["in_old"]


def test_waiting_events_of_a_customer_are_settled_by_one_reading(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    sync_customer("cus_acme")
    for number in range(2 * MOST_AT_ONCE):
        receive("customer.updated", CUSTOMER, f"evt_{number}")
    receive("payment_method.attached", of("payment_method", "pm_2"), "evt_z")
    stripe.reads.clear()
    work()
    assert stripe.reads == ["cus_acme"] * 4, "three readings, and payment methods once"
    assert set(db.session.scalars(db.select(StripeEvent.status))) == {EventStatus.HANDLED}


def test_an_event_that_the_release_before_stored_reads_everything(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    sync_customer("cus_acme")
    stripe.known_invoices["in_1"] = invoice_snapshot()
    receive("invoice.paid", of("invoice", "in_1"))
    db.session.execute(update(StripeEvent).values(object_id=None))
    work()
    assert db.session.scalars(db.select(Invoice.stripe_id)).all() == ["in_1"]


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
    assert claim_events("worker") == ["evt_1"]
    with pytest.raises(UnavailableError):
        handle_events(["evt_1"], "worker")
    mark_event_failed("evt_1", "worker", "Stripe does not answer")
    db.session.commit()
    failed = stored()
    assert (failed.status, failed.attempts, failed.last_error) == (
        EventStatus.PENDING,
        1,
        "Stripe does not answer",
    )
    assert failed.next_attempt_at is not None
    assert utcnow() < failed.next_attempt_at < utcnow() + timedelta(seconds=10)
    assert claim_events("worker") == []


def test_when_the_schedule_is_used_up_an_event_is_dead(world: World, receive: Receive) -> None:
    receive("customer.updated", CUSTOMER)
    for _ in range(len(RETRY_SCHEDULE.waits) + 1):
        db.session.execute(update(StripeEvent).values(next_attempt_at=utcnow()))
        db.session.commit()
        assert claim_events("worker")
        mark_event_failed("evt_1", "worker", "x" * 900)
        db.session.commit()
    row = stored()
    assert (row.status, row.next_attempt_at) == (EventStatus.DEAD, None)
    assert len(str(row.last_error)) == 500
    assert claim_events("worker") == []
    told = db.session.scalars(
        db.select(OutboxMessage).where(OutboxMessage.topic == "stripe-event-dead")
    ).one()
    assert (told.payload["event_id"], told.payload["customer"], told.organization_id) == (
        "evt_1",
        "Acme",
        None,
    )


def test_who_lost_the_lease_neither_handles_nor_fails_it(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    receive("customer.updated", CUSTOMER)
    claim_events("dead")
    db.session.execute(update(StripeEvent).values(claimed_by="alive"))
    db.session.commit()
    handle_events(["evt_1"], "dead")
    mark_event_failed("evt_1", "dead", "late")
    db.session.commit()
    row = stored()
    assert (row.status, row.attempts, row.claimed_by, stripe.reads) == (EventStatus.PENDING, 0, "alive", [])


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
