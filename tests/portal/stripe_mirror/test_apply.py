"""What the mirror keeps: payment methods with tombstones, credit notes, plans with what is held."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.billing.models import CreditNote, PaymentMethod, Subscription
from portal.billing.queries import known_billing
from portal.company.models import TaxId
from portal.extensions import db
from portal.gateways.stripe_objects import CustomerSnapshot, HeldChange, TaxIdSnapshot
from portal.identity.models import Organization
from portal.notifications.models import Channel, OutboxMessage
from portal.stripe_mirror.models import StripeSync
from portal.stripe_mirror.readings import Scope
from portal.stripe_mirror.sync import sync, sync_customer, sync_everything
from tests.factories import World
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.support.stripe_events import credit_note_snapshot, invoice_snapshot

SPARE = replace(CARD, id="pm_2", last4="4444", brand="mastercard", is_default=False)
METHODS = Scope(has_methods=True)
HELD = HeldChange("sub_sched_1", "Starter", 3, 2_700, "month", 1, datetime(2027, 1, 1, tzinfo=UTC))


def methods() -> dict[str, tuple[bool, bool]]:
    """Whether each is the default, and whether it is detached."""
    db.session.expire_all()
    found = db.session.scalars(select(PaymentMethod))
    return {row.stripe_id: (row.is_default, row.detached_at is not None) for row in found}


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_a_detached_method_stays_as_a_tombstone_and_can_come_back(world: World, stripe: FakeStripe) -> None:
    stripe.methods["cus_acme"] = [CARD, SPARE]
    sync_everything("cus_acme")
    assert methods() == {"pm_1": (True, False), "pm_2": (False, False)}
    stripe.methods["cus_acme"] = [CARD]
    sync_customer("cus_acme")
    assert methods()["pm_2"] == (False, False), "methods were not asked for"
    sync("cus_acme", METHODS)
    assert methods() == {"pm_1": (True, False), "pm_2": (False, True)}
    stripe.methods["cus_acme"] = [CARD, SPARE]
    sync("cus_acme", METHODS)
    assert methods()["pm_2"] == (False, False)
    assert actions().count("billing:card:changed") == 1, "the default was the same all the time"


def test_there_is_one_default_at_most(world: World, stripe: FakeStripe) -> None:
    stripe.methods["cus_acme"] = [CARD, SPARE]
    sync_everything("cus_acme")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], card=SPARE)
    sync_customer("cus_acme")
    assert methods() == {"pm_1": (False, False), "pm_2": (True, False)}
    organization = db.session.get_one(Organization, world.acme.organization_id)
    assert known_billing(organization).card == replace(SPARE, is_default=True)


def test_a_deleted_customer_leaves_tombstones_and_may_not_come_back_by_an_old_event(
    world: World, stripe: FakeStripe
) -> None:
    sync_everything("cus_acme")
    stripe.customers["cus_acme"] = CustomerSnapshot("cus_acme", True, None, None, None, ())
    sync_customer("cus_acme")
    row = db.session.get_one(StripeSync, "cus_acme", populate_existing=True)
    deleted_at = row.deleted_at
    assert (row.livemode, deleted_at is not None) == (False, True)
    assert methods() == {"pm_1": (False, True)}
    sync_customer("cus_acme")
    assert db.session.get_one(StripeSync, "cus_acme", populate_existing=True).deleted_at == deleted_at


def test_a_credit_note_is_kept_and_its_end_is_in_the_log(world: World, stripe: FakeStripe) -> None:
    stripe.known_invoices["in_1"] = invoice_snapshot()
    stripe.known_credit_notes["cn_1"] = credit_note_snapshot()
    sync_customer("cus_acme")
    stripe.known_credit_notes["cn_1"] = credit_note_snapshot(status="void")
    note = Scope(credit_notes=frozenset({"cn_1"}))
    sync("cus_acme", note)
    sync("cus_acme", note)
    row = db.session.scalars(select(CreditNote)).one()
    assert (row.invoice_id, row.total_minor, row.status) == ("in_1", 2_000, "void")
    changes = select(AuditEntry.before, AuditEntry.after).where(
        AuditEntry.action == "credit-note:document:changed"
    )
    assert [tuple(found) for found in db.session.execute(changes.order_by(AuditEntry.id))] == [
        (None, {"status": "issued", "total_minor": 2_000, "currency": "eur"}),
        ({"status": "issued"}, {"status": "void"}),
    ]


def test_a_change_that_waits_is_kept_told_and_forgotten(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    organization = db.session.get_one(Organization, world.acme.organization_id)
    for held in (HELD, None):
        plan = replace(SUBSCRIPTION, held=held)
        stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
        sync_customer("cus_acme")
        assert known_billing(organization).subscription == plan
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
    waiting = {"held_plan_name": "Starter", "held_seats": 3, "currency": "usd"}
    nothing = {"held_plan_name": None, "held_seats": None, "currency": "usd"}
    assert [(row.before, row.after) for row in entries] == [(waiting, nothing), (nothing, waiting)]


def test_an_ended_plan_holds_nothing_any_more(world: World, stripe: FakeStripe) -> None:
    plan = replace(SUBSCRIPTION, held=HELD)
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
    sync_customer("cus_acme")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=())
    sync_customer("cus_acme")
    row = db.session.scalars(select(Subscription)).one()
    assert (row.status, row.held_schedule_id, row.held_starts_at) == ("canceled", None, None)


def test_the_tax_ids_of_a_deleted_customer_are_gone_and_stripe_is_told_nothing(
    world: World, stripe: FakeStripe
) -> None:
    number = TaxIdSnapshot("txi_1", "eu_vat", "DE136695976", "DE", "verified")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], tax_ids=(number,))
    sync_customer("cus_acme")
    stripe.customers["cus_acme"] = CustomerSnapshot("cus_acme", True, None, None, None, ())
    sync_customer("cus_acme")
    row = db.session.scalars(select(TaxId)).one()
    assert row.deleted_at is not None
    assert row.pushed_at is not None
    to_stripe = select(OutboxMessage.topic).where(OutboxMessage.channel == Channel.STRIPE)
    assert db.session.scalars(to_stripe).all() == []
