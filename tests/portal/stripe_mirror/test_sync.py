"""Only a fresher reading of Stripe ever overwrites an older one, and each difference is in the log."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.audit.models import AuditEntry
from portal.billing.models import PaymentMethod, Subscription
from portal.company.service import change_company, change_delivery
from portal.errors import UnavailableError
from portal.extensions import db
from portal.gateways.stripe_objects import CustomerSnapshot, LineSnapshot
from portal.gateways.stripe_objects.customers import customer_snapshot
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine, InvoiceStatus
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.stripe_mirror import sync
from portal.stripe_mirror.models import StripeSync
from portal.stripe_mirror.sync import BusyCustomerError, sync_customer, sync_everything
from tests.factories import World
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.support.stripe_events import invoice_snapshot, sync_invoice

NEW_CARD = replace(CARD, id="pm_2", last4="0005", brand="amex")


def acme_at(stripe: FakeStripe, **changes: Any) -> None:
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], **changes)


def last4(world: World) -> str | None:
    db.session.expire_all()
    of_acme = PaymentMethod.organization_id == world.acme.organization_id
    return db.session.scalar(select(PaymentMethod.last4).where(of_acme, PaymentMethod.is_default))


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_first_reading_fills_the_mirror(world: World, stripe: FakeStripe) -> None:
    assert sync_customer("cus_acme")
    row = db.session.scalars(select(Subscription)).one()
    assert (row.plan_name, row.seats, row.amount_minor, row.status) == ("Pro", 5, 15_900, "active")
    assert last4(world) == "4242"
    assert actions() == ["billing:card:changed", "billing:plan:changed"]
    assert {entry.actor_name for entry in db.session.scalars(select(AuditEntry))} == {"Stripe"}


def test_the_same_reading_again_writes_nothing_to_the_log(world: World, stripe: FakeStripe) -> None:
    for _ in range(3):
        sync_customer("cus_acme")
    assert len(actions()) == 2
    assert db.session.scalars(select(func.count()).select_from(Subscription)).one() == 1


def test_a_changed_card_says_before_and_after(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    acme_at(stripe, card=NEW_CARD)
    sync_customer("cus_acme")
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.before == {"brand": "visa", "last4": "4242", "expires": "08/2030"}
    assert entry.after == {"brand": "amex", "last4": "0005", "expires": "08/2030"}


def test_a_removed_card_is_removed(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    acme_at(stripe, card=None)
    sync_customer("cus_acme")
    assert last4(world) is None


def test_a_stale_reading_never_overwrites_a_fresher_one(
    app: Flask, world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_customer("cus_acme")
    stale, readings = stripe.customers["cus_acme"], []

    def slow_reader(customer_id: str, **_named: object) -> CustomerSnapshot:
        """Reads, and before it can write another process reads the new card and commits it."""
        readings.append(customer_id)
        if len(readings) > 1:
            return stripe.customers["cus_acme"]
        acme_at(stripe, card=NEW_CARD)
        with app.app_context():
            monkeypatch.setattr(stripe, "customer", lambda *_args, **_more: stripe.customers["cus_acme"])
            assert sync_customer("cus_acme")
        monkeypatch.setattr(stripe, "customer", slow_reader)
        return stale

    monkeypatch.setattr(stripe, "customer", slow_reader)
    assert sync_customer("cus_acme")
    assert last4(world) == "0005"
    assert len(readings) == 2, "the stale reading was thrown away and read again"
    assert actions().count("billing:card:changed") == 2


def test_after_five_lost_races_somebody_else_must_try(
    app: Flask, world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_overtaken(_customer_id: str, **_named: object) -> CustomerSnapshot:
        with app.app_context():
            db.session.execute(db.update(StripeSync).values(version=StripeSync.version + 1))
            db.session.commit()
        return stripe.customers["cus_acme"]

    monkeypatch.setattr(stripe, "customer", always_overtaken)
    with pytest.raises(BusyCustomerError):
        sync_customer("cus_acme")
    assert last4(world) is None
    assert actions() == []


def test_no_lock_is_held_while_stripe_is_asked(
    app: Flask, world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reader(customer_id: str, **_named: object) -> CustomerSnapshot:
        with app.app_context():
            organization = db.session.get_one(Organization, world.globex.organization_id)
            organization.name = "Written meanwhile"
            db.session.commit()
        return stripe.customers[customer_id]

    monkeypatch.setattr(stripe, "customer", reader)
    assert sync_customer("cus_acme")
    db.session.expire_all()
    assert db.session.get_one(Organization, world.globex.organization_id).name == "Written meanwhile"


def test_changes_that_would_be_lost_are_an_error(world: World) -> None:
    db.session.get_one(Organization, world.acme.organization_id).name = "Not saved"
    with pytest.raises(RuntimeError):
        sync_customer("cus_acme")


def test_a_change_on_its_way_to_stripe_is_not_undone(world: World, stripe: FakeStripe) -> None:
    change_company(world.acme.actor(), "Acme GmbH", None)
    change_delivery(world.acme.actor(), "new@acme.example", "", [])
    db.session.commit()
    sync_customer("cus_acme")
    organization = db.session.get_one(Organization, world.acme.organization_id)
    assert (organization.name, organization.billing_email) == ("Acme GmbH", "new@acme.example")
    db.session.execute(db.update(OutboxMessage).values(status=OutboxStatus.DELIVERED))
    db.session.commit()
    acme_at(stripe, name="From Stripe", email="stripe@acme.example")
    sync_customer("cus_acme")
    db.session.expire_all()
    assert (organization.name, organization.billing_email) == ("From Stripe", "stripe@acme.example")


def test_a_deleted_customer_keeps_its_name_and_loses_card_and_plan(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    stripe.customers["cus_acme"] = CustomerSnapshot("cus_acme", True, None, None, None, ())
    assert sync_customer("cus_acme")
    assert last4(world) is None
    assert db.session.scalars(select(Subscription.status)).one() == "canceled"
    assert db.session.get_one(Organization, world.acme.organization_id).name == "Acme"


def test_a_name_that_stripe_does_not_know_stays(world: World, stripe: FakeStripe) -> None:
    acme_at(stripe, name=None, email=None)
    sync_customer("cus_acme")
    organization = db.session.get_one(Organization, world.acme.organization_id)
    assert (organization.name, organization.billing_email) == ("Acme", "billing@acme.example")


def test_texts_of_stripes_become_lines_that_fit_our_columns() -> None:
    data = {"id": "cus_1", "name": "a\nb" + "n" * 500, "email": "e" * 500}
    found = customer_snapshot(data, (), [], None)
    assert (found.name or "").startswith("a bnnn")
    assert (len(found.name or ""), len(found.email or "")) == (120, 254)


def test_a_plan_change_names_the_fields_that_differ_and_the_currency(
    world: World, stripe: FakeStripe
) -> None:
    sync_customer("cus_acme")
    acme_at(stripe, subscriptions=(replace(SUBSCRIPTION, seats=8, amount_minor=24_000),))
    sync_customer("cus_acme")
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.before == {"seats": 5, "amount_minor": 15_900, "currency": "usd"}
    assert entry.after == {"seats": 8, "amount_minor": 24_000, "currency": "usd"}


def test_a_customer_of_nobody_is_answered_and_not_kept(world: World, stripe: FakeStripe) -> None:
    stripe.customers["cus_other"] = CustomerSnapshot("cus_other", False, "Other", None, CARD, ())
    assert not sync_customer("cus_other")
    assert db.session.scalars(select(PaymentMethod)).all() == []


def test_stripe_down_changes_nothing(world: World, stripe: FakeStripe) -> None:
    stripe.is_down = True
    with pytest.raises(UnavailableError):
        sync_customer("cus_acme")
    assert last4(world) is None


def test_an_invoice_is_kept_with_its_lines_and_follows_its_status(world: World, stripe: FakeStripe) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    sync_invoice("cus_acme", "in_1")
    paid_at = datetime(2026, 10, 2, tzinfo=UTC)
    stripe.known_invoices["in_1"] = invoice_snapshot(
        status="paid",
        paid_minor=11_900,
        due_minor=0,
        paid_at=paid_at,
        lines=(LineSnapshot("Pro, more", 6, 2_000, 12_000),),
    )
    sync_invoice("cus_acme", "in_1")
    invoice = db.session.scalars(select(Invoice)).one()
    assert (invoice.status, invoice.paid_minor, invoice.paid_at) == (InvoiceStatus.PAID, 11_900, paid_at)
    assert [line.description for line in db.session.scalars(select(InvoiceLine))] == ["Pro, more"]
    assert [action for action in actions() if action.startswith("invoice")] == [
        "invoice:document:issued",
        "invoice:status:changed",
    ]


@pytest.mark.parametrize("changes", [{"status": "draft"}, {"number": None, "status": "draft"}])
def test_a_draft_is_shown_to_nobody(world: World, stripe: FakeStripe, changes: dict[str, Any]) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot(**changes)
    sync_invoice("cus_acme", "in_1")
    assert db.session.scalars(select(Invoice)).all() == []


def test_an_invoice_that_stripe_no_longer_knows_is_no_fault(world: World, stripe: FakeStripe) -> None:
    assert sync_invoice("cus_acme", "in_gone")


def test_everything_reads_every_invoice(world: World, stripe: FakeStripe) -> None:
    for number in range(3):
        stripe.known_invoices[f"in_{number}"] = invoice_snapshot(id=f"in_{number}", number=f"S-{number}")
    sync_everything("cus_acme")
    assert len(db.session.scalars(select(Invoice)).all()) == 3


def test_the_right_to_write_is_taken_once(world: World) -> None:
    known = sync._known("cus_acme")
    assert known is not None
    assert sync._advance("cus_acme", known.version)
    assert not sync._advance("cus_acme", known.version)


def test_each_failed_charge_is_in_the_log_once(world: World, stripe: FakeStripe) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot(attempts=1)
    sync_everything("cus_acme")
    sync_everything("cus_acme")
    stripe.known_invoices["in_1"] = invoice_snapshot(attempts=2)
    sync_everything("cus_acme")
    stripe.known_invoices["in_1"] = invoice_snapshot(
        attempts=3, status="paid", paid_minor=11_900, due_minor=0
    )
    sync_everything("cus_acme")
    failed = (
        select(AuditEntry.after).where(AuditEntry.action == "invoice:payment:failed").order_by(AuditEntry.id)
    )
    assert db.session.scalars(failed).all() == [{"attempts": 1}, {"attempts": 2}]
