"""A reconciliation finds every planted difference, puts right what can be, and goes on where another stopped."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from jobs.plan_reconciliation import plan_reconciliation
from jobs.reconcile_stripe import reconcile_stripe
from jobs.work import Work
from portal.actor import Actor, ActorKind
from portal.audit.models import AuditEntry
from portal.billing.models import CreditNote, PaymentMethod, Subscription
from portal.errors import ConflictError, ForbiddenError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError
from portal.gateways.stripe_objects import TaxIdSnapshot
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.permissions import StaffRole
from portal.stripe_mirror.models import ReconciliationStatus, StripeReconciliation
from portal.stripe_mirror.reconcile import ask_reconciliation, claim_reconciliation, reconcile_next
from portal.stripe_mirror.rows import mirror_rows
from portal.stripe_mirror.sync import sync_everything
from tests.factories import World, make_organization
from tests.fakes import CARD, FakeStripe
from tests.support.stripe_events import credit_note_snapshot, invoice_snapshot

LEAD = Actor(ActorKind.STAFF, "usr_lead", "Lead", staff_role=StaffRole.LEAD)
REASON = "Ticket 4711: the card looks wrong"
SPARE = replace(CARD, id="pm_2", last4="4444", brand="mastercard", is_default=False)
TAX_ID = TaxIdSnapshot("txi_1", "eu_vat", "DE136695976", "DE", "verified")


@pytest.fixture
def acme(world: World, stripe: FakeStripe) -> Organization:
    """Acme with a bit of everything, mirrored."""
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], tax_ids=(TAX_ID,))
    stripe.methods["cus_acme"] = [CARD, SPARE]
    stripe.known_invoices["in_1"] = invoice_snapshot()
    stripe.known_credit_notes["cn_1"] = credit_note_snapshot()
    sync_everything("cus_acme")
    return db.session.get_one(Organization, world.acme.organization_id)


def run() -> StripeReconciliation:
    """What the worker does once it is asked to."""
    ask_reconciliation(LEAD, REASON)
    db.session.commit()
    reconcile_stripe(Work("worker"))
    return last()


def last() -> StripeReconciliation:
    db.session.rollback()
    ordered = db.select(StripeReconciliation).order_by(StripeReconciliation.created_at.desc()).limit(1)
    row: StripeReconciliation = db.session.scalars(ordered).one()
    return row


def findings(row: StripeReconciliation) -> set[tuple[Any, ...]]:
    return {
        (item["kind"], item["object_id"], item["what"], tuple(item["fields"]), item["is_repaired"])
        for item in row.findings.get("items", [])
    }


def test_a_true_mirror_has_no_findings(acme: Organization) -> None:
    row = run()
    assert (row.status, row.customers, row.objects, row.found) == (ReconciliationStatus.DONE, 1, 7, 0)
    assert (
        db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.topic == "mirror-repaired")).all()
        == []
    )
    assert "stripe:reconciliation:asked" in db.session.scalars(db.select(AuditEntry.action)).all()


def test_every_planted_difference_is_found_and_put_right(acme: Organization) -> None:
    true = mirror_rows(acme)
    acme.name = "Somebody else"
    db.session.execute(update(Subscription).values(seats=99, price_id="price_other"))
    db.session.execute(delete(PaymentMethod).where(PaymentMethod.stripe_id == "pm_2"))
    db.session.execute(update(PaymentMethod).values(last4="0000"))
    db.session.execute(update(Invoice).values(refunded_minor=5))
    db.session.execute(update(InvoiceLine).values(description="Not so"))
    db.session.execute(update(CreditNote).values(status="void"))
    db.session.commit()
    row = run()
    assert findings(row) == {
        ("customer", "cus_acme", "differs", ("name",), True),
        ("subscription", "sub_1", "differs", ("seats", "price_id"), True),
        ("payment_method", "pm_1", "differs", ("last4",), True),
        ("payment_method", "pm_2", "missing", (), True),
        ("invoice", "in_1", "differs", ("refunded_minor", "lines"), True),
        ("credit_note", "cn_1", "differs", ("status",), True),
    }
    db.session.expire_all()
    assert mirror_rows(acme) == true
    told = db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.topic == "mirror-repaired")).one()
    assert (told.payload["found"], told.payload["customers"]) == (6, 1)


def test_what_is_gone_at_stripe_becomes_a_tombstone(acme: Organization, stripe: FakeStripe) -> None:
    stripe.methods["cus_acme"] = [CARD]
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], tax_ids=(), subscriptions=())
    found = {(kind, object_id, fields[0]) for kind, object_id, _, fields, _ in findings(run())}
    assert found == {
        ("payment_method", "pm_2", "detached_at"),
        ("tax_id", "txi_1", "deleted_at"),
        ("subscription", "sub_1", "status"),
    }
    assert run().found == 0


def test_what_stripe_does_not_know_is_reported_and_left(
    world: World, acme: Organization, stripe: FakeStripe
) -> None:
    del stripe.known_invoices["in_1"]
    other = make_organization("Other", customer="cus_gone")
    db.session.commit()
    assert findings(run()) == {
        ("invoice", "in_1", "unknown", (), False),
        ("customer", "cus_gone", "unknown", (), False),
    }
    assert db.session.scalars(db.select(Invoice.stripe_id)).all() == ["in_1"]
    assert db.session.get(Organization, other.id) is not None


def test_one_customer_that_cannot_be_read_stops_no_other(
    acme: Organization, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_organization("Odd", customer="cus_odd")
    db.session.commit()
    original = stripe.customer

    def odd(customer_id: str, **more: Any) -> Any:
        if customer_id == "cus_odd":
            raise KeyError("a field that Stripe has renamed")
        return original(customer_id, **more)

    monkeypatch.setattr(stripe, "customer", odd)
    row = run()
    assert findings(row) == {("customer", "cus_odd", "unreadable", (), False)}
    assert (row.status, row.customers) == (ReconciliationStatus.DONE, 2)


def test_another_worker_goes_on_where_one_was_killed(acme: Organization, stripe: FakeStripe) -> None:
    for number in range(3):
        made = make_organization(f"Customer {number}", customer=f"cus_{number}")
        stripe.customers[f"cus_{number}"] = replace(
            stripe.customers["cus_acme"], id=f"cus_{number}", name=made.name, card=None, subscriptions=()
        )
        stripe.customers[f"cus_{number}"] = replace(stripe.customers[f"cus_{number}"], tax_ids=())
    ask_reconciliation(LEAD, REASON)
    db.session.commit()
    found = claim_reconciliation("killed")
    assert found is not None
    assert reconcile_next(found, "killed")
    assert reconcile_stripe(Work("next")) == 0, "it is in somebody's hand"
    db.session.execute(update(StripeReconciliation).values(claimed_until=utcnow() - timedelta(seconds=1)))
    db.session.commit()
    assert reconcile_stripe(Work("next")) == 3
    assert not reconcile_next(found, "killed")
    assert (last().status, last().customers) == (ReconciliationStatus.DONE, 4)


def test_stripes_wish_to_be_left_alone_is_honoured(
    acme: Organization, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_customer_id: str) -> Any:
        raise StripeUnavailableError(retry_after_seconds=600)

    with monkeypatch.context() as patch:
        patch.setattr(stripe, "payment_methods", busy)
        row = run()
    assert (row.status, row.attempts, row.claimed_by) == (ReconciliationStatus.PENDING, 1, None)
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > utcnow() + timedelta(seconds=590)
    assert reconcile_stripe(Work("worker")) == 0
    db.session.execute(update(StripeReconciliation).values(next_attempt_at=utcnow()))
    db.session.commit()
    assert reconcile_stripe(Work("worker")) == 1
    assert (last().status, last().attempts) == (ReconciliationStatus.DONE, 0)


def test_there_is_one_at_a_time_and_only_leads_ask(acme: Organization) -> None:
    with pytest.raises(ForbiddenError):
        ask_reconciliation(replace(LEAD, staff_role=StaffRole.SUPPORT), REASON)
    ask_reconciliation(LEAD, REASON)
    with pytest.raises(ConflictError):
        ask_reconciliation(LEAD, REASON)
    assert plan_reconciliation(Work("worker")) == 0
    db.session.commit()
    reconcile_stripe(Work("worker"))
    assert plan_reconciliation(Work("worker")) == 1
