"""Where Stripe answers only in part: others are not held up, and no reading is taken for another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, update

from jobs.push_to_stripe import push_to_stripe
from jobs.reconcile_stripe import reconcile_stripe
from jobs.retry_stripe_events import retry_stripe_events
from jobs.work import Work
from portal.actor import Actor, ActorKind
from portal.company.service import change_company
from portal.errors import ConflictError, UnavailableError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError
from portal.invoices.models import Invoice
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.permissions import StaffRole
from portal.stripe_mirror.models import EventStatus, ReconciliationStatus, StripeEvent, StripeReconciliation
from portal.stripe_mirror.reconcile import (
    TRIES_PER_CUSTOMER,
    ask_reconciliation,
    claim_reconciliation,
    plan_reconciliation,
)
from portal.stripe_mirror.sync import sync_customer, sync_everything
from tests.factories import World, make_organization
from tests.fakes import FakeStripe
from tests.support.stripe_events import invoice_snapshot

LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)
REASON = "Ticket 4711: Stripe is back"
Receive = Callable[..., None]


def fail_for(stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, call: str, what: str, **facts: Any) -> None:
    """Stripe answers this one question with a failure of its own, for ever."""
    answered = getattr(stripe, call)

    def failing(asked: str, **named: Any) -> Any:
        if asked == what:
            stripe.reads.append(f"{asked} failed")
            raise StripeUnavailableError(**facts)
        return answered(asked, **named)

    monkeypatch.setattr(stripe, call, failing)


def topics() -> set[str]:
    return set(db.session.scalars(db.select(OutboxMessage.topic)))


def test_a_first_reading_that_failed_is_still_the_first_after_a_change_made_here(
    world: World, stripe: FakeStripe
) -> None:
    stripe.is_down = True
    with pytest.raises(UnavailableError):
        sync_customer("cus_acme")
    stripe.is_down = False
    change_company(world.acme.actor(), "Acme GmbH", None)
    db.session.commit()
    assert push_to_stripe(Work("worker")) == 1
    before = topics()
    stripe.known_invoices["in_old"] = invoice_snapshot(id="in_old", status="paid", due_minor=0)
    sync_customer("cus_acme")
    assert db.session.scalars(db.select(Invoice.stripe_id)).all() == ["in_old"]
    sync_everything("cus_acme")
    assert topics() == before, "history is told to nobody"


@pytest.fixture
def invoice_events(world: World, stripe: FakeStripe, receive: Receive) -> list[str]:
    """Three events of one customer, the second about an invoice that Stripe may fail on."""
    sync_customer("cus_acme")
    found = []
    for number in range(3):
        stripe.known_invoices[f"in_{number}"] = invoice_snapshot(id=f"in_{number}", number=f"S-{number}")
        about = {"id": f"in_{number}", "object": "invoice", "customer": "cus_acme"}
        receive("invoice.paid", about, f"evt_{number}")
        found.append(f"evt_{number}")
    stripe.reads.clear()
    return found


def handled() -> set[str]:
    is_handled = StripeEvent.status == EventStatus.HANDLED
    return set(db.session.scalars(db.select(StripeEvent.id).where(is_handled)))


def test_one_object_that_stripe_fails_on_holds_no_other_event(
    invoice_events: list[str], stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for(stripe, monkeypatch, "invoice", "in_1")
    retry_stripe_events(Work("worker"))
    assert handled() == {"evt_0", "evt_2"}
    failed = db.session.get_one(StripeEvent, "evt_1", populate_existing=True)
    assert (failed.status, failed.attempts) == (EventStatus.PENDING, 1)


@pytest.mark.parametrize(
    ("call", "what", "facts", "reads"),
    [
        ("customer", "cus_acme", {}, ["cus_acme failed"]),
        ("invoice", "in_0", {"retry_after_seconds": 60}, ["cus_acme", "in_0 failed"]),
    ],
)
def test_stripe_is_not_asked_again_for_each_where_it_answers_nothing_or_wants_rest(
    invoice_events: list[str],
    stripe: FakeStripe,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    what: str,
    facts: dict[str, int],
    reads: list[str],
) -> None:
    fail_for(stripe, monkeypatch, call, what, **facts)
    retry_stripe_events(Work("worker"))
    assert handled() == set()
    assert stripe.reads == reads


@pytest.fixture
def odd(world: World, stripe: FakeStripe) -> str:
    """A second customer; which of the two comes first in a comparison is left to chance."""
    make_organization("Odd", customer="cus_odd")
    known = stripe.customers["cus_acme"]
    stripe.customers["cus_odd"] = replace(known, id="cus_odd", card=None, subscriptions=())
    db.session.commit()
    return "cus_odd"


def compare(times: int) -> StripeReconciliation:
    """What the worker does, each time its hour has come."""
    plan_reconciliation()
    for _ in range(times):
        is_pending = StripeReconciliation.status == ReconciliationStatus.PENDING
        db.session.execute(update(StripeReconciliation).where(is_pending).values(next_attempt_at=utcnow()))
        db.session.commit()
        reconcile_stripe(Work("worker"))
    db.session.rollback()
    newest = db.select(StripeReconciliation).order_by(StripeReconciliation.created_at.desc()).limit(1)
    row: StripeReconciliation = db.session.scalars(newest).one()
    return row


def unreadable(row: StripeReconciliation) -> list[str]:
    return [item["customer_id"] for item in row.findings.get("items", []) if item["what"] == "unreadable"]


def test_a_customer_that_stripe_never_answers_for_is_noted_and_the_others_compared(
    odd: str, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_for(stripe, monkeypatch, "customer", odd)
    row = compare(TRIES_PER_CUSTOMER - 1)
    assert (row.status, unreadable(row)) == (ReconciliationStatus.PENDING, [])
    row = compare(1)
    assert (row.status, row.customers, unreadable(row)) == (ReconciliationStatus.DONE, 2, [odd])


def test_a_stripe_that_answers_nobody_or_wants_rest_is_waited_for(
    odd: str, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for customer_id in ("cus_acme", odd):
            fail_for(stripe, patch, "customer", customer_id, retry_after_seconds=1)
        row = compare(TRIES_PER_CUSTOMER)
        assert (row.status, row.attempts) == (ReconciliationStatus.PENDING, TRIES_PER_CUSTOMER)
    stripe.is_down = True
    row = compare(2)
    assert (row.status, row.customers) == (ReconciliationStatus.PENDING, 0)
    stripe.is_down = False
    row = compare(1)
    assert (row.status, row.customers, unreadable(row)) == (ReconciliationStatus.DONE, 2, [])


def test_what_the_tables_do_not_take_of_one_customer_stops_no_other(odd: str, stripe: FakeStripe) -> None:
    known = stripe.customers["cus_acme"]
    stripe.customers[odd] = replace(known, id=odd, card=None)  # the same subscription a second time
    row = compare(1)
    assert (row.status, row.customers, len(unreadable(row))) == (ReconciliationStatus.DONE, 2, 1)


def test_a_comparison_that_was_put_off_is_hurried_by_staff_and_taken_over_by_the_command(
    app: Flask, odd: str, stripe: FakeStripe
) -> None:
    stripe.is_down = True
    assert compare(2).attempts == 2
    stripe.is_down = False
    hurried = ask_reconciliation(LEAD, REASON)
    assert (hurried.attempts, hurried.asked_by_name) == (0, "Lead")
    with pytest.raises(ConflictError):
        ask_reconciliation(LEAD, REASON)
    db.session.commit()
    assert reconcile_stripe(Work("worker")) == 2
    stripe.is_down = True
    compare(1)
    stripe.is_down = False
    done = app.test_cli_runner().invoke(args=["stripe", "reconcile"])
    assert "2 customers" in done.output
    assert db.session.scalars(db.select(func.count(StripeReconciliation.id))).one() == 2
    plan_reconciliation()
    db.session.commit()
    assert claim_reconciliation("worker")
    with pytest.raises(ConflictError):
        ask_reconciliation(LEAD, REASON, "command")


def test_the_command_goes_past_it_as_well(
    app: Flask, odd: str, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.stripe.WAIT_SECONDS", 0.01)
    monkeypatch.setattr("commands.stripe.LONGEST_WAIT", timedelta(seconds=0.1))
    fail_for(stripe, monkeypatch, "customer", odd)
    done = app.test_cli_runner().invoke(args=["stripe", "reconcile"])
    assert done.exit_code == 1
    assert f"{odd}: customer {odd} unreadable: left as it is" in done.output
    assert "2 customers" in done.output
