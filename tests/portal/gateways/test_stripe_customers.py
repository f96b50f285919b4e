"""Reading customers from Stripe, and telling Stripe their details and tax ids."""

from typing import Any

import pytest

from portal.errors import NotFoundError
from portal.gateways.stripe_api import StripeGateway, StripeRefusedError, client
from portal.gateways.stripe_objects import PURCHASE_ORDER_FIELD, AddressSnapshot
from tests.support.stripe_customers import NewCustomer
from tests.support.stripe_standin import StripeStandin

ADDRESS = AddressSnapshot("Main Street 1", "", "Berlin", "", "10115", "DE")


def test_a_customer_is_read_with_card_and_plan(real: StripeGateway, new_customer: NewCustomer) -> None:
    found = real.customer(new_customer(base=1, seat=5))
    assert (found.name, found.email, found.is_deleted) == ("Acme", "billing@acme.example", False)
    assert (found.livemode, found.balance_minor, found.address) == (False, 0, None)
    assert found.card is not None
    assert (found.card.brand, found.card.last4, found.card.is_default) == ("visa", "4242", True)
    (plan,) = found.subscriptions
    assert (plan.plan_name, plan.seats, plan.amount_minor, plan.currency) == ("Pro", 5, 15_900, "usd")
    assert (plan.item_count, plan.discount, plan.held, plan.ends_at) == (2, "", None, None)
    assert plan.period_ends_at is not None
    assert plan.period_ends_at.tzinfo is not None


def test_the_subscriptions_own_card_is_charged_before_the_customers(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=1)
    api = standin.client().v1
    method = api.payment_methods.attach("pm_card_mastercard", {"customer": customer_id}).id
    api.subscriptions.update(
        real.customer(customer_id).subscriptions[0].id, {"default_payment_method": method}
    )
    card = real.customer(customer_id).card
    assert card is not None
    assert (card.id, card.brand) == (method, "mastercard")
    assert {item.id for item in real.payment_methods(customer_id)} > {method}


def test_a_product_is_asked_for_its_name_once(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=1)
    standin.clear_requests()
    for _ in range(3):
        real.customer(customer_id)
    assert [request["path"].split("/")[2] for request in standin.requests()].count("products") == 1


def test_details_are_set_whole_and_other_fields_of_the_invoice_stay(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer()
    other: Any = {"invoice_settings": {"custom_fields": [{"name": "Cost centre", "value": "42"}]}}
    standin.client().v1.customers.update(customer_id, other)
    told: Any = {"name": "Acme", "email": "money@acme.example"}
    real.update_customer(
        customer_id, **told, address=ADDRESS, purchase_order="PO 7", idempotency_key="details-1"
    )
    found = real.customer(customer_id)
    assert (found.email, found.address, found.purchase_order) == ("money@acme.example", ADDRESS, "PO 7")
    real.update_customer(customer_id, **told, idempotency_key="details-2")
    assert real.customer(customer_id) == found
    real.update_customer(
        customer_id, **told, address=AddressSnapshot(), purchase_order="", idempotency_key="details-3"
    )
    found = real.customer(customer_id)
    assert (found.address, found.purchase_order) == (None, None)
    kept = standin.client().v1.customers.retrieve(customer_id).invoice_settings
    assert kept is not None
    assert [(field.name, field.value) for field in kept.custom_fields or []] == [("Cost centre", "42")]
    assert PURCHASE_ORDER_FIELD == "PO number"


def test_tax_ids_are_made_once_read_and_deleted_twice(real: StripeGateway, new_customer: NewCustomer) -> None:
    customer_id = new_customer()
    made = [
        real.create_tax_id(customer_id, "eu_vat", "DE123456789", idempotency_key="tax-1") for _ in range(2)
    ]
    assert made[0] == made[1]
    assert (made[0].country, made[0].verification) == ("DE", "pending")
    assert [item.id for item in real.customer(customer_id).tax_ids] == [made[0].id]
    for attempt in ("1", "2"):
        real.delete_tax_id(customer_id, made[0].id, idempotency_key=f"gone-{attempt}")
    assert real.customer(customer_id).tax_ids == ()
    with pytest.raises(StripeRefusedError) as refusal:
        real.create_tax_id(customer_id, "eu_vat", "nonsense", idempotency_key="tax-2")
    assert refusal.value.code == "tax_id_invalid"


def test_further_pages_of_everything_are_followed(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE", 4)
    customer_id = new_customer()
    api = standin.client().v1
    prices = [
        api.prices.create(
            {
                "product_data": {"name": f"Part {number}"},
                "currency": "usd",
                "unit_amount": 100,
                "recurring": {"interval": "month"},
            }
        ).id
        for number in range(11)
    ]
    for number in range(11):
        api.payment_methods.attach("pm_card_visa", {"customer": customer_id})
        api.customers.tax_ids.create(customer_id, {"type": "eu_vat", "value": f"DE1234567{number:02}"})
        wanted: Any = [{"price": price, "quantity": 1} for price in (prices[:1] if number else prices)]
        api.subscriptions.create({"customer": customer_id, "items": wanted})
    found = real.customer(customer_id)
    assert len(found.subscriptions) == 11
    assert max(plan.item_count for plan in found.subscriptions) == 11
    assert len(found.tax_ids) == 11
    assert len(real.payment_methods(customer_id)) == 12
    assert max(len(invoice.lines) for invoice in real.invoices(customer_id)) == 11


def test_a_deleted_customer_is_said_to_be_deleted(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    gone = new_customer()
    standin.client().v1.customers.delete(gone)
    found = real.customer(gone)
    assert (found.is_deleted, found.card, found.subscriptions) == (True, None, ())


@pytest.mark.parametrize("unknown", ["cus_unknown", "../prices"])
def test_what_stripe_does_not_know_is_not_found(real: StripeGateway, unknown: str) -> None:
    with pytest.raises(NotFoundError):
        real.customer(unknown)
    with pytest.raises(NotFoundError):
        real.invoice(unknown)


def test_an_empty_id_is_not_asked_for(real: StripeGateway, standin: StripeStandin) -> None:
    with pytest.raises(NotFoundError):
        real.customer("")
    assert standin.requests() == [], "it would be the list of all customers"
