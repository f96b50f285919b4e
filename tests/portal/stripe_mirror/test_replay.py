"""Events are handled again: one, or all since a time, for a reason, by leads, and on the command line."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from jobs.retry_stripe_events import retry_stripe_events
from jobs.work import Work
from portal.actor import Actor, ActorKind
from portal.audit.models import AuditEntry
from portal.billing.models import PaymentMethod
from portal.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.permissions import StaffRole
from portal.stripe_mirror.events import claim_events
from portal.stripe_mirror.models import EventStatus, IgnoredBecause, StripeEvent, StripeReconciliation
from portal.stripe_mirror.replay import count_since, replay_event, replay_since
from portal.stripe_mirror.sync import sync_everything
from tests.factories import World
from tests.fakes import FakeStripe

Receive = Callable[..., None]
LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)
REASON = "Ticket 4711: the mirror is wrong"
CUSTOMER = {"id": "cus_acme", "object": "customer"}
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def events(world: World, receive: Receive) -> dict[str, EventStatus]:
    """An event an hour from `START` on, each with another status; the last is of nobody's customer."""
    statuses = [*EventStatus, EventStatus.HANDLED]
    for number, status in enumerate(statuses):
        receive("customer.updated", CUSTOMER, f"evt_{number}")
        values = {"status": status, "received_at": START + timedelta(hours=number), "attempts": 8}
        values["customer_id"] = "cus_acme" if number < len(EventStatus) else "cus_nobody"
        db.session.execute(update(StripeEvent).where(StripeEvent.id == f"evt_{number}").values(**values))
    db.session.commit()
    return {f"evt_{number}": status for number, status in enumerate(statuses)}


def state(event_id: str) -> tuple[EventStatus, int]:
    row = db.session.get_one(StripeEvent, event_id, populate_existing=True)
    return row.status, row.attempts


def last_entry() -> AuditEntry:
    entry: AuditEntry = db.session.scalars(
        db.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)
    ).one()
    return entry


def test_all_since_a_time_but_what_waits_or_changes_nothing(events: dict[str, EventStatus]) -> None:
    since = START + timedelta(minutes=30)
    expected = {
        event_id
        for event_id, status in events.items()
        if event_id != "evt_0" and status in (EventStatus.HANDLED, EventStatus.DEAD)
    }
    assert count_since(since) == len(expected) == 3
    assert replay_since(LEAD, since, REASON) == 3
    db.session.commit()
    for event_id, status in events.items():
        again = event_id in expected
        assert state(event_id) == ((EventStatus.PENDING, 0) if again else (status, 8)), event_id
    entry = last_entry()
    assert (entry.action, entry.after, entry.reason) == ("stripe:events:replayed", {"events": 3}, REASON)
    assert replay_since(LEAD, since, REASON) == 0
    db.session.commit()
    assert last_entry().id == entry.id, "nothing to tell of"


def test_one_of_any_customer_is_written_into_its_own_log(
    world: World, events: dict[str, EventStatus]
) -> None:
    dead = next(event_id for event_id, status in events.items() if status is EventStatus.DEAD)
    replay_event(LEAD, dead, REASON)
    db.session.commit()
    assert state(dead) == (EventStatus.PENDING, 0)
    assert last_entry().organization_id == world.acme.organization_id
    replay_event(LEAD, "evt_4", REASON)
    db.session.commit()
    assert last_entry().organization_id is None
    elsewhere = LEAD.within(world.globex.organization_id)
    with pytest.raises(NotFoundError):
        replay_event(elsewhere, "evt_4", REASON)


def test_support_and_reasons_that_say_nothing_are_refused(events: dict[str, EventStatus]) -> None:
    support = replace(LEAD, staff_role=StaffRole.SUPPORT)
    with pytest.raises(ForbiddenError):
        replay_since(support, START, REASON)
    with pytest.raises(InvalidInputError):
        replay_since(LEAD, START, " x ")
    assert count_since(START) == 4


def test_what_waits_after_a_failure_is_tried_at_once_unless_somebody_has_it(
    world: World, receive: Receive
) -> None:
    later, lease = utcnow() + timedelta(hours=10), utcnow() + timedelta(seconds=40)
    rows: dict[str, dict[str, Any]] = {
        "evt_failed": {"attempts": 6, "next_attempt_at": later},
        "evt_left": {"attempts": 6, "claimed_by": "killed", "claimed_until": utcnow() - timedelta(minutes=1)},
        "evt_held": {"attempts": 6, "claimed_by": "worker", "claimed_until": lease},
        "evt_new": {"attempts": 0},
    }
    for event_id, values in rows.items():
        receive("customer.updated", CUSTOMER, event_id)
        db.session.execute(update(StripeEvent).where(StripeEvent.id == event_id).values(**values))
    db.session.commit()
    for event_id in ("evt_held", "evt_new"):
        with pytest.raises(ConflictError):
            replay_event(LEAD, event_id, REASON)
    assert count_since(START) == replay_since(LEAD, START, REASON) == 2
    db.session.rollback()
    replay_event(LEAD, "evt_failed", REASON)
    db.session.commit()
    assert state("evt_failed") == (EventStatus.PENDING, 0)
    assert set(claim_events("next")) == {"evt_failed", "evt_left", "evt_new"}


def test_the_commands_replay_and_reconcile(
    app: Flask, events: dict[str, EventStatus], stripe: FakeStripe
) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["stripe", "replay"]).exit_code == 2
    assert run(args=["stripe", "replay", "evt_4", "--since", "2026-11-01"]).exit_code == 2
    for moment in ("yesterday", "2999-01-01", "0001-01-01T00:00+14:00"):
        assert run(args=["stripe", "replay", "--since", moment]).exit_code == 2, moment
    assert "There is no event evt_none here." in run(args=["stripe", "replay", "evt_none"]).output
    assert run(args=["stripe", "replay", "evt_4"]).output == "1 event will be handled again.\n"
    assert state("evt_4") == (EventStatus.PENDING, 0)
    said = json.loads(run(args=["stripe", "replay", "--json", "--since", "2026-11-01T00:30"]).stdout)
    assert said["events"] == 2
    retry_stripe_events(Work("worker"))

    db.session.execute(update(PaymentMethod).values(last4="0000"))
    db.session.commit()
    done = run(args=["stripe", "reconcile", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["customers"], found["found"], found["findings"][0]["fields"]) == (1, 1, ["last4"])
    assert "1 customer, 3 objects: 0 differences." in run(args=["stripe", "reconcile"]).output
    del stripe.customers["cus_acme"]
    lost = run(args=["stripe", "reconcile"])
    assert lost.exit_code == 1
    assert "cus_acme: customer cus_acme unknown: left as it is" in lost.output


def test_nothing_is_compared_where_stripe_is_not_connected(app: Flask, world: World) -> None:
    app.extensions["portal"].stripe = None
    done = app.test_cli_runner().invoke(args=["stripe", "reconcile"])
    assert (done.exit_code, done.output) == (1, "Error: Stripe is not connected here.\n")
    assert db.session.scalars(db.select(StripeReconciliation)).all() == []


def test_what_names_no_customer_says_why_it_was_ignored(
    world: World, receive: Receive, stripe: FakeStripe
) -> None:
    sync_everything("cus_acme")
    receive("payment_method.updated", {"id": "pm_other", "object": "payment_method", "customer": None})
    retry_stripe_events(Work("worker"))
    row = db.session.get_one(StripeEvent, "evt_1", populate_existing=True)
    assert (row.status, row.ignored_because) == (EventStatus.IGNORED, IgnoredBecause.NO_CUSTOMER)
