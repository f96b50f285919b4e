"""What was changed at Stripe arrives here, and what was changed here arrives there, each once."""

from typing import Any

import pytest
from flask import Flask

from portal.company.models import TaxId, TaxIdStatus
from portal.company.queries import tax_ids_of
from portal.company.service import change_company, change_delivery
from portal.company.tax_id_types import EU_VAT
from portal.company.tax_ids import add_tax_id, remove_tax_id
from portal.extensions import db
from portal.gateways.stripe_api import StripeRefusedError, StripeUnavailableError
from portal.gateways.stripe_objects import TaxIdSnapshot
from portal.kit.work import claim_due
from portal.stripe_mirror.sync import sync_customer
from tests.factories import World
from tests.fakes import FakeStripe
from tests.portal.company.both_sides import BERLIN, at_stripe, details, entries, numbers_at_stripe, push, told

NUMBER = "DE136695976"
AT_STRIPE = TaxIdSnapshot("txi_stripe", EU_VAT, NUMBER, "DE", "pending")


def know(world: World) -> None:
    """After the first reading, which tells nobody."""
    sync_customer("cus_acme")


def test_an_edit_at_stripe_has_the_rows_of_an_edit_here(world: World, stripe: FakeStripe) -> None:
    know(world)
    at_stripe(stripe, address=BERLIN, purchase_order="PO 1", tax_ids=(AT_STRIPE,))
    sync_customer("cus_acme")
    found = details(world)
    assert (found.address, found.purchase_order) == (BERLIN, "PO 1")
    assert [(row.value, row.country, row.stripe_id) for row in found.tax_ids] == [
        (NUMBER, "DE", "txi_stripe")
    ]
    assert found.tax_ids[0].status is TaxIdStatus.PENDING
    assert entries()[-2:] == [("Stripe", "billing:details:changed"), ("Stripe", "billing:tax-id:added")]
    fields, number = told()
    assert ["PO number", "", "PO 1"] in fields
    assert number == [["Tax ID added", NUMBER]]
    sync_customer("cus_acme")
    assert len(told()) == 2
    at_stripe(stripe, tax_ids=(), purchase_order=None)
    sync_customer("cus_acme")
    assert (details(world).tax_ids, details(world).purchase_order) == ((), "")
    assert entries()[-1] == ("Stripe", "billing:tax-id:removed")
    assert told()[-1] == [["Tax ID removed", NUMBER]]


def test_what_was_at_stripe_before_is_told_to_nobody(world: World, stripe: FakeStripe) -> None:
    at_stripe(stripe, address=BERLIN, tax_ids=(AT_STRIPE,))
    sync_customer("cus_acme")
    assert (details(world).address, told()) == (BERLIN, [])


def test_nor_is_it_when_an_older_version_has_read_the_customer(world: World, stripe: FakeStripe) -> None:
    know(world)
    db.session.execute(db.text("DELETE FROM billing_details"))
    db.session.commit()
    at_stripe(stripe, address=BERLIN, tax_ids=(AT_STRIPE,), name="Acme GmbH")
    sync_customer("cus_acme")
    assert details(world).address == BERLIN
    assert told() == [[["Legal name", "Acme", "Acme GmbH"]]]


def test_an_address_that_we_never_heard_of_is_not_taken_from_stripe(world: World, stripe: FakeStripe) -> None:
    at_stripe(stripe, address=BERLIN, purchase_order="PO 1")
    change_company(world.acme.actor(), "Acme GmbH", None)
    push()
    assert stripe.customers["cus_acme"].name == "Acme GmbH"
    assert (stripe.customers["cus_acme"].address, stripe.customers["cus_acme"].purchase_order) == (
        BERLIN,
        "PO 1",
    )


def test_stripe_is_told_of_address_and_order(world: World, stripe: FakeStripe) -> None:
    know(world)
    change_company(world.acme.actor(), "Acme", BERLIN)
    change_delivery(world.acme.actor(), "billing@acme.example", "PO 7", [])
    push()
    told_stripe = stripe.customers["cus_acme"]
    assert (told_stripe.address, told_stripe.purchase_order) == (BERLIN, "PO 7")
    change_delivery(world.acme.actor(), "billing@acme.example", "", [])
    push()
    sync_customer("cus_acme")
    assert details(world).purchase_order == ""
    assert len(entries()) == 3 + 2  # ours, and the plan and the card of the first reading


def test_a_number_is_created_and_deleted_at_stripe(world: World, stripe: FakeStripe) -> None:
    know(world)
    number = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    assert numbers_at_stripe(stripe) == [NUMBER]
    assert number.stripe_id == stripe.customers["cus_acme"].tax_ids[0].id
    sync_customer("cus_acme")
    remove_tax_id(world.acme.actor(), number.id)
    db.session.commit()
    sync_customer("cus_acme")
    assert details(world).tax_ids == ()
    push()
    assert numbers_at_stripe(stripe) == []
    assert [action for who, action in entries() if who == "Stripe" and "tax-id" in action] == []


@pytest.mark.parametrize("is_heard_of", [True, False], ids=["event first", "retry first"])
def test_an_answer_that_got_lost_makes_no_second_number(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, is_heard_of: bool
) -> None:
    know(world)
    real = stripe.create_tax_id

    def lost(customer_id: str, type: str, value: str, *, idempotency_key: str) -> TaxIdSnapshot:  # noqa: A002
        real(customer_id, type, f"{value[:2]} {value[2:]}", idempotency_key=idempotency_key)
        raise StripeUnavailableError

    monkeypatch.setattr(stripe, "create_tax_id", lost)
    number = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    monkeypatch.setattr(stripe, "create_tax_id", real)
    if is_heard_of:
        sync_customer("cus_acme")
    push()
    sync_customer("cus_acme")
    assert len(numbers_at_stripe(stripe)) == 1
    assert [row.id for row in details(world).tax_ids] == [number.id]
    assert number.stripe_id == stripe.customers["cus_acme"].tax_ids[0].id


def test_a_number_removed_while_it_was_created_goes(
    app: Flask, world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(world)
    number_id = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER).id
    real = stripe.create_tax_id

    def meanwhile(*told: Any, **named: Any) -> TaxIdSnapshot:
        found = real(*told, **named)
        with app.app_context():
            remove_tax_id(world.acme.actor(), number_id)
            db.session.commit()
        return found

    monkeypatch.setattr(stripe, "create_tax_id", meanwhile)
    push()
    assert numbers_at_stripe(stripe) == []
    assert list(tax_ids_of(world.acme.organization_id)) == []


def test_a_number_removed_and_added_again_is_there_once(world: World, stripe: FakeStripe) -> None:
    know(world)
    number = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    remove_tax_id(world.acme.actor(), number.id)
    add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    push()
    sync_customer("cus_acme")
    assert (numbers_at_stripe(stripe), len(details(world).tax_ids)) == ([NUMBER], 1)


def test_a_number_that_stripe_refuses_says_so_and_holds_up_no_other(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(world)
    real = stripe.create_tax_id

    def refuse(customer_id: str, type: str, value: str, *, idempotency_key: str) -> TaxIdSnapshot:  # noqa: A002
        if value == NUMBER:
            raise StripeRefusedError("Invalid value.", code="tax_id_invalid", param="value")
        return real(customer_id, type, value, idempotency_key=idempotency_key)

    monkeypatch.setattr(stripe, "create_tax_id", refuse)
    bad = add_tax_id(world.acme.actor(), "DE", EU_VAT, NUMBER)
    add_tax_id(world.acme.actor(), "US", "us_ein", "91-1144442")
    push()
    db.session.refresh(bad)
    assert (bad.status, numbers_at_stripe(stripe)) == (TaxIdStatus.REFUSED, ["91-1144442"])
    assert claim_due(TaxId, TaxIdStatus.PENDING, "worker", 5) == []
    sync_customer("cus_acme")
    assert len(details(world).tax_ids) == 2


def test_more_numbers_than_fit_a_lease_are_told_in_turns(world: World, stripe: FakeStripe) -> None:
    know(world)
    wanted = [f"10000000000000{ending}" for ending in range(5)]
    for value in wanted:
        add_tax_id(world.acme.actor(), "AE", "ae_trn", value)
    push()
    assert sorted(numbers_at_stripe(stripe)) == wanted
