"""What becomes of a change whose way to Stripe is disturbed: nothing is lost, nothing of Stripe's is undone."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from portal.audit.models import AuditEntry
from portal.billing.queries import ClosedCustomerError
from portal.company.models import TaxId, TaxIdStatus
from portal.company.service import change_company, change_delivery
from portal.company.tax_id_types import EU_VAT
from portal.company.tax_ids import add_tax_id, remove_tax_id
from portal.extensions import db
from portal.gateways.stripe_api import SpentKeyError, StripeRefusedError, StripeUnavailableError
from portal.gateways.stripe_objects import TaxIdSnapshot
from portal.kit.clock import utcnow
from portal.notifications.dead_letters import resend
from portal.notifications.delivery import deliver
from portal.notifications.models import Channel, OutboxMessage, OutboxStatus
from portal.notifications.outbox import claim_messages
from portal.stripe_mirror.models import StripeSync
from portal.stripe_mirror.sync import sync_customer
from tests.factories import World
from tests.fakes import FakeStripe
from tests.portal.company.both_sides import BERLIN, at_stripe, details, entries, numbers_at_stripe, push
from tests.portal.notifications.telling import staff_actor

NUMBER = "DE136695976"
EMAIL = "billing@acme.example"


@pytest.fixture(autouse=True)
def _known(world: World, stripe: FakeStripe) -> None:
    """After the first reading, which tells nobody."""
    sync_customer("cus_acme")


def messages() -> list[OutboxMessage]:
    db.session.expire_all()
    wanted = db.select(OutboxMessage).where(OutboxMessage.channel == Channel.STRIPE)
    return list(db.session.scalars(wanted.order_by(OutboxMessage.id)))


def failing(error: Exception) -> Callable[..., Any]:
    def call(*_told: Any, **_named: Any) -> None:
        raise error

    return call


def give_up(world: World, monkeypatch: pytest.MonkeyPatch, stripe: FakeStripe, name: str) -> None:
    """Rename the company; Stripe does not take it."""
    change_company(world.acme.actor(), name, None)
    with monkeypatch.context() as broken:
        broken.setattr(stripe, "update_customer", failing(StripeRefusedError()))
        push()
    assert messages()[-1].status is OutboxStatus.DEAD


def test_what_was_changed_at_stripe_meanwhile_is_not_undone(world: World, stripe: FakeStripe) -> None:
    change_delivery(world.acme.actor(), EMAIL, "PO 7", [])
    db.session.commit()
    at_stripe(stripe, name="Acme GmbH", address=BERLIN, purchase_order="PO 1")
    sync_customer("cus_acme")
    assert (details(world).name, details(world).address) == ("Acme GmbH", BERLIN)
    assert details(world).purchase_order == "PO 7"
    assert entries()[-1] == ("Stripe", "billing:details:changed")
    at_stripe(stripe, email="other@acme.example")  # not heard of when we push
    push()
    there = stripe.customers["cus_acme"]
    assert (there.name, there.address, there.purchase_order) == ("Acme GmbH", BERLIN, "PO 7")
    assert there.email == "other@acme.example"
    sync_customer("cus_acme")
    assert (details(world).billing_email, details(world).purchase_order) == ("other@acme.example", "PO 7")


def test_a_change_that_stripe_did_not_take_stays_and_says_so(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up(world, monkeypatch, stripe, "Acme GmbH")
    at_stripe(stripe, purchase_order="PO 1")
    sync_customer("cus_acme")
    assert (details(world).name, details(world).purchase_order) == ("Acme GmbH", "PO 1")
    assert details(world).not_taken == {"name"}
    change_delivery(world.acme.actor(), EMAIL, "PO 2", [])
    push()
    sync_customer("cus_acme")
    assert details(world).not_taken == {"name"}, "another detail does not make up for it"
    resend(staff_actor(world.lead_email), messages()[0].id, "Stripe has mended it")
    db.session.commit()
    assert details(world).not_taken == frozenset()
    push()
    assert stripe.customers["cus_acme"].name == "Acme GmbH"
    at_stripe(stripe, name="Acme AG")
    sync_customer("cus_acme")
    assert details(world).name == "Acme AG"


def test_a_later_change_of_the_same_makes_up_for_it(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up(world, monkeypatch, stripe, "Acme GmbH")
    change_company(world.acme.actor(), "Acme AG", None)
    push()
    assert (stripe.customers["cus_acme"].name, details(world).not_taken) == ("Acme AG", frozenset())


def test_a_message_that_is_sent_again_has_another_key(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def refuse(*_told: Any, idempotency_key: str, **_named: Any) -> None:
        keys.append(idempotency_key)
        raise StripeRefusedError

    monkeypatch.setattr(stripe, "update_customer", refuse)
    change_company(world.acme.actor(), "Acme GmbH", None)
    push()
    for _ in range(2):
        resend(staff_actor(world.lead_email), messages()[0].id, "Once more")
        push()
    assert len(set(keys)) == 3


def test_a_worker_killed_before_it_noted_its_try_does_not_spoil_the_next(
    world: World, stripe: FakeStripe
) -> None:
    change_company(world.acme.actor(), "Acme GmbH", None)
    push()
    (message,) = messages()
    message.status, message.attempts, message.next_attempt_at = OutboxStatus.PENDING, 0, utcnow()
    change_company(world.acme.actor(), "Acme AG", None)
    push()
    names = {key: values["name"] for call, key, values in stripe.writes if call == "update_customer"}
    assert list(names.values()) == ["Acme GmbH", "Acme AG", "Acme AG"]


def test_a_spent_key_is_no_reason_to_give_up(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_company(world.acme.actor(), "Acme GmbH", None)
    with monkeypatch.context() as broken:
        broken.setattr(stripe, "update_customer", failing(SpentKeyError()))
        db.session.commit()
        (message,) = claim_messages("worker", Channel.STRIPE, 1)
        deliver(message.id, "worker")
    assert (messages()[0].status, messages()[0].attempts) == (OutboxStatus.PENDING, 1)
    push()
    assert stripe.customers["cus_acme"].name == "Acme GmbH"


def test_an_id_that_another_row_has_is_not_taken_twice(world: World, stripe: FakeStripe) -> None:
    at_stripe(stripe, tax_ids=(TaxIdSnapshot("txi_stripe", "us_ein", "911144442", "US", "pending"),))
    sync_customer("cus_acme")
    row = TaxId(
        organization_id=world.acme.organization_id,
        type="us_ein",
        value="91-1144442",
        country="US",
        status=TaxIdStatus.UNCHECKED,
    )  # as an older version stored it
    db.session.add(row)
    number = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    assert [message.status for message in messages()] == [OutboxStatus.DELIVERED]
    assert (row.stripe_id, number.stripe_id is None) == (None, False)
    assert numbers_at_stripe(stripe) == ["911144442", NUMBER]
    remove_tax_id(world.acme.actor(), row.id)
    push()
    assert numbers_at_stripe(stripe) == ["911144442", NUMBER]


def test_a_message_whose_end_cannot_be_written_is_not_tried_for_ever(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_company(world.acme.actor(), "Acme GmbH", None)
    db.session.commit()
    monkeypatch.setattr(
        "portal.notifications.stripe_sender.advance_version",
        lambda _customer: db.session.execute(db.insert(StripeSync).values(customer_id="cus_acme", version=0)),
    )
    (message,) = claim_messages("worker", Channel.STRIPE, 1)
    deliver(message.id, "worker")
    assert (messages()[0].attempts, messages()[0].last_error) == (1, "IntegrityError")


def test_a_number_that_is_wanted_again_is_not_deleted(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, real = world.acme.actor(), stripe.create_tax_id

    def lost(*told: Any, **named: Any) -> TaxIdSnapshot:
        real(*told, **named)
        raise StripeUnavailableError

    monkeypatch.setattr(stripe, "create_tax_id", lost)
    first = add_tax_id(actor, "DE", EU_VAT, NUMBER)
    db.session.commit()
    (message,) = claim_messages("worker", Channel.STRIPE, 1)
    deliver(message.id, "worker")
    monkeypatch.setattr(stripe, "create_tax_id", real)
    remove_tax_id(actor, first.id)
    again = add_tax_id(actor, "DE", EU_VAT, NUMBER)
    db.session.commit()
    sync_customer("cus_acme")
    assert again.stripe_id is not None
    push()
    sync_customer("cus_acme")
    assert (numbers_at_stripe(stripe), len(details(world).tax_ids)) == ([NUMBER], 1)


def test_a_refused_number_that_stripe_has_after_all_is_looked_up(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    with monkeypatch.context() as broken:
        broken.setattr(stripe, "create_tax_id", failing(StripeRefusedError(param="value")))
        push()
    at_stripe(stripe, tax_ids=(TaxIdSnapshot("txi_1", EU_VAT, NUMBER, "DE", "pending"),))
    sync_customer("cus_acme")
    db.session.refresh(number)
    assert (number.status, number.next_attempt_at is None) == (TaxIdStatus.PENDING, False)


@pytest.mark.parametrize("email", ["nobody", "a@b", "a b@c.example", "@"])
def test_an_address_that_takes_no_mail_is_not_taken_from_stripe(
    world: World, stripe: FakeStripe, email: str
) -> None:
    at_stripe(stripe, email=email, name="Acme GmbH")
    sync_customer("cus_acme")
    assert (details(world).billing_email, details(world).name) == (EMAIL, "Acme GmbH")


def test_a_closed_account_takes_no_details_and_loses_its_numbers(
    app: Flask, world: World, stripe: FakeStripe
) -> None:
    add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    at_stripe(stripe, is_deleted=True, tax_ids=())
    sync_customer("cus_acme")
    assert details(world).tax_ids == ()
    before = len(messages())
    with pytest.raises(ClosedCustomerError):
        change_company(world.acme.actor(), "Acme GmbH", None)
    with pytest.raises(ClosedCustomerError):
        change_delivery(world.acme.actor(), EMAIL, "PO 7", [])
    change_delivery(world.acme.actor(), EMAIL, "", ["cfo@acme.example"])  # ours alone
    db.session.commit()
    assert len(messages()) == before
    assert db.session.scalars(db.select(AuditEntry.action)).all().count("billing:tax-id:removed") == 1
