"""Test clocks: subscriptions live through months, failed payments and their end."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import stripe_spec
from tests.support.stripe_standin import StripeStandin

DAY = 86_400
BAD = "pm_card_chargeCustomerFail"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def v1(standin: StripeStandin) -> Any:
    return standin.client(timeout=60).v1


@pytest.fixture(scope="module")
def price(v1: Any) -> Any:
    data = {"currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    return v1.prices.create({**data, "product_data": {"name": "Pro"}})


def at(year: int, month: int, day: int, hour: int = 12) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def start(v1: Any, price: Any, when: int, card: str = "pm_card_visa", **terms: Any) -> tuple[Any, Any, Any]:
    clock = v1.test_helpers.test_clocks.create({"frozen_time": when})
    settings = {"default_payment_method": card}
    owner = v1.customers.create(
        {"test_clock": clock.id, "payment_method": card, "invoice_settings": settings}
    )
    made = v1.subscriptions.create(
        {"customer": owner.id, "items": [{"price": price.id, "quantity": 5}], **terms}
    )
    return clock, owner, made


def advance(v1: Any, clock: Any, when: int) -> None:
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": when})
    assert v1.test_helpers.test_clocks.retrieve(clock.id).frozen_time == when


def set_card(v1: Any, owner: Any, card: str) -> None:
    v1.customers.update(owner.id, {"invoice_settings": {"default_payment_method": card}})


def test_fourteen_months_with_a_failed_payment(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 1, 31))
    advance(v1, clock, at(2025, 8, 5))
    set_card(v1, owner, BAD)
    advance(v1, clock, at(2025, 9, 1))
    late = v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert late.status == "past_due"
    assert (late.latest_invoice.status, late.latest_invoice.attempt_count) == ("open", 1)
    assert late.latest_invoice.next_payment_attempt == at(2025, 8, 31, 13) + 3 * DAY
    assert v1.customers.retrieve(owner.id).delinquent
    set_card(v1, owner, "pm_card_mastercard")
    advance(v1, clock, at(2025, 9, 4))
    assert v1.subscriptions.retrieve(made.id).status == "active"
    assert not v1.customers.retrieve(owner.id).delinquent
    advance(v1, clock, at(2026, 3, 15))
    invoices = list(v1.invoices.list({"customer": owner.id, "limit": 100}).auto_paging_iter())
    assert [invoice.status for invoice in invoices] == ["paid"] * 14
    assert {invoice.total for invoice in invoices} == {10_000}
    days = [datetime.fromtimestamp(invoice.created, UTC) for invoice in reversed(invoices)]
    assert [(day.month, day.day) for day in days[:5]] == [(1, 31), (2, 28), (3, 31), (4, 30), (5, 31)]
    assert len({invoice.number for invoice in invoices}) == 14
    for invoice in invoices:
        shown = json.loads(v1.invoices.retrieve(invoice.id).last_response.body)
        stripe_spec.validate_object(shown, strict=True)


def test_renewal_is_a_draft_for_an_hour(v1: Any, price: Any) -> None:
    clock, _, made = start(v1, price, at(2025, 3, 1))
    advance(v1, clock, at(2025, 4, 1))
    draft = v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice)
    assert (draft.status, draft.billing_reason, draft.number) == ("draft", "subscription_cycle", None)
    assert draft.automatically_finalizes_at == at(2025, 4, 1, 13)
    assert (draft.period_start, draft.period_end) == (at(2025, 3, 1), at(2025, 4, 1))
    advance(v1, clock, at(2025, 4, 1, 13))
    assert v1.invoices.retrieve(draft.id).status == "paid"
    item = v1.subscriptions.retrieve(made.id)["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (at(2025, 4, 1), at(2025, 5, 1))


def test_retries_end_and_the_subscription_stays_past_due(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 3, 1))
    set_card(v1, owner, BAD)
    advance(v1, clock, at(2025, 4, 25))
    invoice = v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice)
    assert (invoice.status, invoice.attempt_count, invoice.next_payment_attempt) == ("open", 4, None)
    assert v1.subscriptions.retrieve(made.id).status == "past_due"
    failed = v1.events.list({"type": "invoice.payment_failed", "limit": 4}).data
    assert [event.data.object.attempt_count for event in failed] == [4, 3, 2, 1]


def test_paying_the_open_invoice_makes_the_subscription_active(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 3, 1))
    set_card(v1, owner, BAD)
    advance(v1, clock, at(2025, 4, 2))
    invoice = v1.subscriptions.retrieve(made.id).latest_invoice
    set_card(v1, owner, "pm_card_visa")
    assert v1.invoices.pay(invoice).status == "paid"
    assert v1.subscriptions.retrieve(made.id).status == "active"


def test_seats_added_in_the_middle_are_on_the_next_invoice(v1: Any, price: Any) -> None:
    clock, _, made = start(v1, price, at(2025, 4, 1))
    advance(v1, clock, at(2025, 4, 16))
    v1.subscriptions.update(made.id, {"items": [{"id": made["items"].data[0].id, "quantity": 8}]})
    advance(v1, clock, at(2025, 5, 2))
    invoice = v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice)
    amounts = sorted(line.amount for line in invoice.lines.data)
    assert amounts == [-5000, 8000, 16_000]  # half of a 30-day month of 5 seats back, of 8 charged, then 8
    prorations = [line.parent.subscription_item_details.proration for line in invoice.lines.data]
    assert sorted(prorations) == [False, True, True]
    assert invoice.total == 19_000


def test_change_of_interval_bills_at_once_and_moves_the_anchor(v1: Any, price: Any) -> None:
    clock, _, made = start(v1, price, at(2025, 4, 1))
    data = {"currency": "usd", "unit_amount": 20_000, "recurring": {"interval": "year"}}
    yearly = v1.prices.create({**data, "product": price.product})
    advance(v1, clock, at(2025, 4, 16))
    v1.subscriptions.update(made.id, {"items": [{"id": made["items"].data[0].id, "price": yearly.id}]})
    changed = v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert changed.latest_invoice.total == 5 * 20_000 - 5000
    assert changed.latest_invoice.billing_reason == "subscription_update"
    assert changed["items"].data[0].current_period_end == at(2026, 4, 16)


def test_removed_seats_can_leave_credit_that_the_next_invoice_uses(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 4, 1))
    advance(v1, clock, at(2025, 4, 16))
    change = {
        "items": [{"id": made["items"].data[0].id, "quantity": 1}],
        "proration_behavior": "always_invoice",
    }
    v1.subscriptions.update(made.id, change)
    assert v1.customers.retrieve(owner.id).balance == -4000
    advance(v1, clock, at(2025, 5, 2))
    invoice = v1.invoices.retrieve(v1.subscriptions.retrieve(made.id).latest_invoice)
    assert (invoice.total, invoice.amount_due, invoice.ending_balance) == (2000, 0, -2000)
    assert invoice.status == "paid"


def test_cancel_at_period_end_ends_without_another_invoice(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 3, 1))
    v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    assert v1.subscriptions.retrieve(made.id).cancel_at == at(2025, 4, 1)
    advance(v1, clock, at(2025, 6, 1))
    ended = v1.subscriptions.retrieve(made.id)
    assert (ended.status, ended.ended_at) == ("canceled", at(2025, 4, 1))
    assert len(v1.invoices.list({"customer": owner.id}).data) == 1
    assert not v1.subscriptions.list({"customer": owner.id}).data


def test_trial_ends_with_the_first_charge(v1: Any, price: Any) -> None:
    clock, owner, made = start(v1, price, at(2025, 3, 1), trial_period_days=14)
    assert made.status == "trialing"
    assert [row.total for row in v1.invoices.list({"customer": owner.id}).data] == [0]
    advance(v1, clock, at(2025, 3, 16))
    assert v1.subscriptions.retrieve(made.id).status == "active"
    assert [row.total for row in v1.invoices.list({"customer": owner.id}).data] == [10_000, 0]


def test_declined_first_payment_leaves_it_incomplete_until_it_expires(v1: Any, price: Any) -> None:
    clock, _, made = start(v1, price, at(2025, 3, 1), card=BAD)
    assert made.status == "incomplete"
    advance(v1, clock, at(2025, 3, 3))
    assert v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert v1.invoices.retrieve(made.latest_invoice).status == "void"


def test_sent_invoice_becomes_overdue(v1: Any, price: Any) -> None:
    terms: dict[str, Any] = {"collection_method": "send_invoice", "days_until_due": 14}
    clock, _, made = start(v1, price, at(2025, 3, 1), **terms)
    sent = v1.invoices.retrieve(made.latest_invoice)
    assert (made.status, sent.status, sent.due_date) == ("active", "open", at(2025, 3, 15))
    advance(v1, clock, at(2025, 3, 16))
    assert v1.subscriptions.retrieve(made.id).status == "past_due"
    assert v1.events.list({"type": "invoice.overdue"}).data[0].data.object.id == sent.id
    v1.invoices.pay(sent.id, {"paid_out_of_band": True})
    assert v1.subscriptions.retrieve(made.id).status == "active"


def test_clock_moves_only_forward_and_touches_nobody_else(v1: Any, price: Any) -> None:
    clock, _, _ = start(v1, price, at(2025, 3, 1))
    _, _, other = start(v1, price, at(2025, 3, 1))
    with pytest.raises(Exception, match="later time"):
        v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": at(2025, 2, 1)})
    advance(v1, clock, at(2025, 9, 1))
    assert v1.subscriptions.retrieve(other.id).latest_invoice == other.latest_invoice


def test_customer_without_a_clock_lives_today(v1: Any) -> None:
    assert abs(v1.customers.create().created - time.time()) < 60
