"""Invoices, credit notes and refunds as Stripe has them."""

from typing import Any

import pytest

from portal.gateways.stripe_api import StripeGateway
from tests.support.stripe_customers import NewCustomer
from tests.support.stripe_standin import StripeStandin


def test_invoices_are_read_alone_and_in_a_list(real: StripeGateway, new_customer: NewCustomer) -> None:
    customer_id = new_customer(base=1, seat=5)
    (listed,) = real.invoices(customer_id)
    assert real.invoice(listed.id) == listed
    assert (listed.status, listed.total_minor, listed.customer_id) == ("paid", 15_900, customer_id)
    assert (listed.payment_state, listed.refunded_minor) == ("", 0)
    assert listed.subscription_id == real.customer(customer_id).subscriptions[0].id
    assert sum(line.amount_minor for line in listed.lines) == listed.subtotal_minor
    assert listed.pdf_url is not None
    assert listed.pdf_url.startswith("http")


def test_what_was_paid_back_is_counted_and_found_by_its_charge(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=1)
    (invoice,) = real.invoices(customer_id)
    (charge,) = standin.client().v1.charges.list({"customer": customer_id}).data
    standin.refund(charge.id, 700)
    assert real.charge_invoice(charge.id) == (customer_id, invoice.id)
    assert real.invoice(invoice.id).refunded_minor == 700
    assert [item.refunded_minor for item in real.invoices(customer_id)] == [700]


def test_an_open_invoice_says_what_its_payment_waits_for(
    real: StripeGateway, new_customer: NewCustomer
) -> None:
    customer_id = new_customer("pm_card_authenticationRequired", seat=1)
    (invoice,) = real.invoices(customer_id)
    assert (invoice.status, invoice.payment_state) == ("open", "requires_action")
    (plan,) = real.customer(customer_id).subscriptions
    assert (plan.status, plan.latest_invoice_id) == ("incomplete", invoice.id)


def test_credit_notes_are_read_alone_and_in_a_list(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer(seat=2)
    (invoice,) = real.invoices(customer_id)
    made = standin.client().v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "amount": 500,
            "credit_amount": 500,
            "reason": "order_change",
        }
    )
    (listed,) = real.credit_notes(customer_id)
    assert real.credit_note(made.id) == listed
    assert (listed.invoice_id, listed.customer_id, listed.total_minor) == (invoice.id, customer_id, 500)
    assert (listed.reason, listed.status) == ("order_change", "issued")


@pytest.mark.parametrize(
    ("card", "refunded", "waits_for"),
    [("pm_card_visa", 700, ""), ("pm_card_authenticationRequired", 0, "requires_action")],
)
def test_payments_beyond_those_that_came_with_an_invoice_are_read(
    real: StripeGateway,
    standin: StripeStandin,
    new_customer: NewCustomer,
    monkeypatch: pytest.MonkeyPatch,
    card: str,
    refunded: int,
    waits_for: str,
) -> None:
    customer_id = new_customer(card, seat=1)
    if refunded:
        (charge,) = standin.client().v1.charges.list({"customer": customer_id}).data
        standin.refund(charge.id, refunded)
    ask = real._get

    def cut_short(path: str, *parameters: Any, **named: Any) -> Any:
        """As Stripe answers about an invoice that was tried more often than it embeds payments."""
        answer = ask(path, *parameters, **named)
        for invoice in answer["data"] if answer["object"] == "list" else [answer]:
            if invoice["object"] == "invoice":
                assert invoice["payments"]["data"]
                invoice["payments"] |= {"data": [], "has_more": True}
        return answer

    monkeypatch.setattr(real, "_get", cut_short)
    (listed,) = real.invoices(customer_id)
    assert real.invoice(listed.id) == listed
    assert (listed.refunded_minor, listed.payment_state) == (refunded, waits_for)
