"""Payments of invoices: 3-D Secure, retries and what follows the last one, another card, refunds."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.standins.test_stripe_plans import get, post
from tests.support.stripe_standin import Judge, StripeStandin

DAY = 86_400
START = 1_770_000_000
INTENT = "payments.data.payment.payment_intent"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as standin:
        yield standin


@pytest.fixture
def standin(running: StripeStandin) -> StripeStandin:
    running.reset()
    return running


@pytest.fixture
def v1(standin: StripeStandin) -> Any:
    return standin.client(http_client=Judge(timeout=10)).v1


def subscribe(v1: Any, card: str, **more: Any) -> Any:
    """A subscription at 20.00 a month, charged to this card."""
    settings = {"default_payment_method": card}
    owner = v1.customers.create({"payment_method": card, "invoice_settings": settings, **more})
    data = {"currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    price = v1.prices.create({**data, "product_data": {"name": "Pro"}})
    return v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id}]})


def latest(v1: Any, plan: Any) -> Any:
    now = v1.subscriptions.retrieve(plan.id)
    return v1.invoices.retrieve(now.latest_invoice, {"expand": [INTENT]})


def intent_of(invoice: Any) -> Any:
    return invoice.payments.data[0].payment.payment_intent


def test_payment_that_must_be_confirmed_waits_for_the_customer(v1: Any) -> None:
    plan = subscribe(v1, "pm_card_authenticationRequired")
    invoice = latest(v1, plan)
    intent = intent_of(invoice)
    assert (plan.status, invoice.status, intent.status) == ("incomplete", "open", "requires_action")
    assert intent.next_action.redirect_to_url.url == f"{invoice.hosted_invoice_url}/confirm"
    told = [event.type for event in v1.events.list({"limit": 20}).data]
    assert {"invoice.payment_action_required", "payment_intent.requires_action"} <= set(told)
    assert not v1.charges.list({"customer": plan.customer}).data
    with pytest.raises(stripe.CardError) as error:
        v1.invoices.pay(invoice.id)
    assert error.value.code == "invoice_payment_intent_requires_action"
    assert "Confirm payment" in get(invoice.hosted_invoice_url)
    get(f"{invoice.hosted_invoice_url}/confirm")
    post(f"{invoice.hosted_invoice_url}/confirm", answer="complete")
    assert (latest(v1, plan).status, v1.subscriptions.retrieve(plan.id).status) == ("paid", "active")
    assert "Paid" in get(invoice.hosted_invoice_url)
    post(f"{invoice.hosted_invoice_url}/confirm", answer="complete")
    assert len(v1.charges.list({"customer": plan.customer}).data) == 1


@pytest.mark.parametrize(
    ("card", "answer", "told"),
    [
        ("authenticationRequired", "fail", "was not confirmed"),
        ("authenticationRequiredChargeDeclinedInsufficientFunds", "complete", "insufficient funds"),
    ],
)
def test_payment_that_fails_at_the_bank_asks_for_another_card(
    v1: Any, card: str, answer: str, told: str
) -> None:
    plan = subscribe(v1, f"pm_card_{card}")
    page = latest(v1, plan).hosted_invoice_url
    assert told in post(f"{page}/confirm", 402, answer=answer).text
    assert intent_of(latest(v1, plan)).status == "requires_payment_method"
    assert v1.subscriptions.retrieve(plan.id).status == "incomplete"
    good: Any = {"number": "5555 5555 5555 4444", "expiry": "12 / 40", "cvc": "123"}
    wrong = {**good, "number": "5555"}
    assert "number is incorrect" in post(f"{page}/pay", status=402, **wrong).text
    post(f"{page}/pay", **good)
    assert (latest(v1, plan).status, v1.subscriptions.retrieve(plan.id).status) == ("paid", "active")


@pytest.mark.parametrize(("outcome", "status"), [("past_due",) * 2, ("unpaid",) * 2, ("cancel", "canceled")])
def test_payment_is_tried_again_and_then_given_up(
    standin: StripeStandin, v1: Any, outcome: str, status: str
) -> None:
    standin.after_last_retry(outcome)
    clock = v1.test_helpers.test_clocks.create({"frozen_time": START}).id
    plan = subscribe(v1, "pm_card_visa", test_clock=clock)
    bad = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": plan.customer}).id
    v1.customers.update(plan.customer, {"invoice_settings": {"default_payment_method": bad}})
    due = plan["items"].data[0].current_period_end + 3600
    for attempts, wait in ((1, 3), (2, 5), (3, 7)):
        v1.test_helpers.test_clocks.advance(clock, {"frozen_time": due})
        invoice = latest(v1, plan)
        assert (invoice.attempt_count, invoice.next_payment_attempt) == (attempts, due + wait * DAY)
        assert v1.subscriptions.retrieve(plan.id).status == "past_due"
        due += wait * DAY
    with pytest.raises(stripe.CardError):
        v1.invoices.pay(invoice.id)
    by_hand = latest(v1, plan)
    assert (by_hand.attempt_count, by_hand.next_payment_attempt) == (3, due)
    v1.test_helpers.test_clocks.advance(clock, {"frozen_time": due})
    last = latest(v1, plan)
    assert (last.attempt_count, last.next_payment_attempt, last.status) == (4, None, "open")
    assert v1.subscriptions.retrieve(plan.id).status == status
    if outcome != "cancel":
        with pytest.raises(stripe.CardError):
            v1.invoices.pay(last.id)
        assert v1.subscriptions.retrieve(plan.id).status == status
        good = v1.payment_methods.attach("pm_card_visa", {"customer": plan.customer}).id
        v1.invoices.pay(last.id, {"payment_method": good})
        assert v1.subscriptions.retrieve(plan.id).status == "active"


def test_open_invoice_has_a_payment_that_waits(v1: Any) -> None:
    owner = v1.customers.create()
    v1.invoice_items.create({"customer": owner.id, "amount": 500, "currency": "usd"})
    terms = {"collection_method": "send_invoice", "days_until_due": 9}
    drawn = {"pending_invoice_items_behavior": "include", "expand": [INTENT]}
    draft = v1.invoices.create({"customer": owner.id, **terms, **drawn})
    assert not draft.payments.data
    sent = v1.invoices.send_invoice(draft.id, {"expand": [INTENT]})
    assert (sent.payments.data[0].status, intent_of(sent).status) == ("open", "requires_payment_method")
    v1.invoices.void_invoice(sent.id)
    assert v1.payment_intents.retrieve(intent_of(sent).id).status == "canceled"


def test_refund_from_the_dashboard_is_told(standin: StripeStandin, v1: Any) -> None:
    plan = subscribe(v1, "pm_card_visa")
    charge = v1.charges.list({"customer": plan.customer}).data[0]
    standin.refund(charge.id, 700)
    told = v1.events.list({"type": "charge.refunded"}).data[0].data.object
    assert (told.id, told.amount_refunded, told.refunded) == (charge.id, 700, False)
    by_intent = {"payment": {"type": "payment_intent", "payment_intent": charge.payment_intent}}
    assert v1.invoice_payments.list({**by_intent, "status": "paid"}).data[0].invoice == plan.latest_invoice
    assert v1.refunds.list({"payment_intent": charge.payment_intent}).data[0].amount == 700
    assert v1.charges.retrieve(charge.id, {"expand": ["refunds"]}).refunds.data[0].amount == 700
    note = {"invoice": plan.latest_invoice, "amount": 1400, "refund_amount": 1400}
    with pytest.raises(stripe.InvalidRequestError, match="greater than what is left"):
        v1.credit_notes.create(note)
