"""Every object that the stand-in serves, and every event, is one that Stripe's description allows."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from standins.stripe.resources import ROUTES
from tests.standins.test_stripe_pages import ALL
from tests.support.stripe_standin import Judge, StripeStandin

CONFIGURATION = {"features": ALL, "business_profile": {"headline": "Acme"}}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(timeout=10)


@pytest.fixture(scope="module")
def v1(standin: StripeStandin, judge: Judge) -> Any:
    return standin.client(http_client=judge).v1


@pytest.fixture(scope="module")
def plan(v1: Any) -> Any:
    product = v1.products.create({"name": "Pro", "unit_label": "seat", "metadata": {"plan": "pro"}})
    recurring = {"interval": "month"}
    common = {"product": product.id, "currency": "usd", "unit_amount": 2000}
    return v1.prices.create({**common, "recurring": recurring, "lookup_key": "pro"})


def customer_with_card(v1: Any, card: str = "pm_card_visa", **more: Any) -> Any:
    settings = {"default_payment_method": card}
    return v1.customers.create({"payment_method": card, "invoice_settings": settings, **more})


def drive_customers(v1: Any, _plan: Any) -> None:
    address = {"line1": "1 Road", "city": "Berlin", "country": "DE", "postal_code": "10115"}
    made = v1.customers.create(
        {"name": "Acme", "email": "a@acme.example", "address": address, "balance": -500}
    )
    order = [{"name": "PO number", "value": "4711"}]
    v1.customers.update(made.id, {"invoice_settings": {"custom_fields": order}})
    assert v1.invoices.create({"customer": made.id}).custom_fields[0].value == "4711"
    assert (
        v1.customers.update(made.id, {"invoice_settings": {"custom_fields": ""}}).invoice_settings[
            "custom_fields"
        ]
        is None
    )
    v1.customers.update(made.id, {"name": "", "business_name": "Acme Ltd", "metadata": {"a": "b"}})
    v1.customers.retrieve(made.id, {"expand": ["tax_ids", "subscriptions"]})
    v1.customers.list({"email": "a@acme.example"})
    v1.customers.delete(made.id)
    assert v1.customers.retrieve(made.id).deleted


def drive_tax_ids(v1: Any, _plan: Any) -> None:
    owner = v1.customers.create({"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]})
    assert v1.customers.tax_ids.list(owner.id).data[0].verification.status == "verified"
    for digit, later in (("3", "verified"), ("1", "unverified"), ("2", "pending")):
        first = v1.customers.tax_ids.create(owner.id, {"type": "eu_vat", "value": f"DE{digit * 9}"})
        assert first.verification.status == "pending"
        assert v1.tax_ids.retrieve(first.id).verification.status == later
    made = v1.customers.tax_ids.create(owner.id, {"type": "us_ein", "value": "12-3456789"})
    v1.customers.tax_ids.retrieve(owner.id, made.id)
    v1.customers.tax_ids.delete(owner.id, made.id)
    own = {"owner": {"type": "customer", "customer": owner.id}, "type": "gb_vat", "value": "GB123456789"}
    again = v1.tax_ids.create(own)
    v1.tax_ids.retrieve(again.id)
    v1.tax_ids.list()
    v1.tax_ids.delete(again.id)


def drive_payment_methods_and_setup_intents(v1: Any, _plan: Any) -> None:
    owner = v1.customers.create()
    card = {"number": "5555555555554444", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    made = v1.payment_methods.create({"type": "card", "card": card, "billing_details": {"name": "A. Person"}})
    v1.payment_methods.attach(made.id, {"customer": owner.id})
    v1.payment_methods.update(made.id, {"card": {"exp_year": 2041}, "metadata": {"a": "b"}})
    v1.payment_methods.list({"customer": owner.id, "type": "card"})
    v1.customers.payment_methods.list(owner.id)
    v1.customers.payment_methods.retrieve(owner.id, made.id)
    v1.payment_methods.retrieve(made.id, {"expand": ["customer"]})
    v1.payment_methods.detach(made.id)
    token = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    intent = v1.setup_intents.create({"customer": owner.id, "payment_method": token.id, "confirm": True})
    assert intent.status == "succeeded"
    v1.setup_intents.retrieve(intent.id, {"expand": ["payment_method"]})
    v1.setup_intents.cancel(v1.setup_intents.create({"customer": owner.id}).id)
    v1.setup_intents.list({"customer": owner.id})


def drive_products_and_prices_in_several_currencies(v1: Any, _plan: Any) -> None:
    data = {"currency": "kwd", "unit_amount": 1234, "recurring": {"interval": "year"}}
    product = v1.products.create({"name": "Team", "default_price_data": data})
    v1.products.update(product.id, {"description": "For teams", "metadata": {"a": "b"}})
    v1.products.retrieve(product.id, {"expand": ["default_price"]})
    price = v1.prices.create({"currency": "jpy", "unit_amount": 1200, "product_data": {"name": "Once"}})
    v1.prices.update(price.id, {"nickname": "One time", "active": False})
    v1.prices.retrieve(price.id, {"expand": ["product"]})
    v1.prices.list({"currency": "jpy", "active": False, "expand": ["data.product"]})
    v1.products.list({"active": True})
    v1.products.delete(v1.products.create({"name": "Gone"}).id)


def drive_subscriptions_and_items(v1: Any, plan: Any) -> None:
    owner = customer_with_card(v1)
    deep = ["latest_invoice.payments", "default_payment_method", "customer"]
    made = v1.subscriptions.create(
        {"customer": owner.id, "items": [{"price": plan.id, "quantity": 2}], "expand": deep}
    )
    assert made.status == "active"
    item = made["items"].data[0]
    v1.subscriptions.update(
        made.id, {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}
    )
    second = v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "product": plan.product, "recurring": {"interval": "month"}}
    )
    extra = v1.subscription_items.create({"subscription": made.id, "price": second.id})
    v1.subscription_items.update(extra.id, {"quantity": 4})
    v1.subscription_items.retrieve(extra.id)
    v1.subscription_items.list({"subscription": made.id})
    v1.subscription_items.delete(extra.id)
    v1.subscriptions.update(made.id, {"cancel_at_period_end": True, "cancellation_details": {"comment": "x"}})
    v1.subscriptions.list({"customer": owner.id, "status": "all"})
    v1.subscriptions.retrieve(made.id, {"expand": ["customer.invoice_settings.default_payment_method"]})
    v1.subscriptions.cancel(made.id, {"prorate": True, "invoice_now": True})


def drive_invoices(v1: Any, plan: Any) -> None:
    owner = customer_with_card(v1, name="Acme", tax_id_data=[{"type": "us_ein", "value": "123456789"}])
    v1.invoice_items.create({"customer": owner.id, "amount": 700, "currency": "usd", "description": "Help"})
    made = v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    v1.invoices.update(made.id, {"description": "Thank you", "custom_fields": [{"name": "PO", "value": "7"}]})
    v1.invoices.finalize_invoice(made.id)
    v1.invoices.pay(made.id, {"expand": ["payments.data.payment.payment_intent"]})
    v1.invoices.line_items.list(made.id)
    sent = v1.invoices.create(
        {"customer": owner.id, "collection_method": "send_invoice", "days_until_due": 30, "currency": "usd"}
    )
    v1.invoice_items.create({"customer": owner.id, "invoice": sent.id, "amount": 300, "currency": "usd"})
    assert v1.invoices.send_invoice(sent.id).due_date
    v1.invoices.mark_uncollectible(sent.id)
    v1.invoices.void_invoice(sent.id)
    v1.invoices.delete(v1.invoices.create({"customer": owner.id}).id)
    v1.invoices.list({"customer": owner.id, "expand": ["data.customer"]})
    v1.invoice_payments.list({"invoice": made.id})
    v1.invoices.create_preview(
        {"customer": owner.id, "subscription_details": {"items": [{"price": plan.id, "quantity": 3}]}}
    )


def drive_invoice_items(v1: Any, plan: Any) -> None:
    owner = v1.customers.create()
    once = v1.prices.create({"currency": "eur", "unit_amount": 900, "product": plan.product})
    made = v1.invoice_items.create({"customer": owner.id, "pricing": {"price": once.id}, "quantity": 2})
    assert made.amount == 1800
    v1.invoice_items.update(made.id, {"description": "Two"})
    v1.invoice_items.retrieve(made.id)
    v1.invoice_items.list({"customer": owner.id, "pending": True})
    v1.invoice_items.delete(made.id)


def drive_credit_notes(v1: Any, plan: Any) -> None:
    owner = customer_with_card(v1)
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": plan.id, "quantity": 2}]})
    paid = v1.invoices.retrieve(made.latest_invoice)
    line = {"type": "invoice_line_item", "invoice_line_item": paid.lines.data[0].id, "quantity": 1}
    note = v1.credit_notes.create(
        {"invoice": paid.id, "lines": [line], "refund_amount": 2000, "memo": "Sorry"}
    )
    v1.credit_notes.create(
        {"invoice": paid.id, "amount": 500, "credit_amount": 500, "reason": "order_change"}
    )
    assert v1.customers.retrieve(owner.id).balance == -500
    v1.credit_notes.line_items.list(note.id)
    v1.credit_notes.update(note.id, {"memo": "Sorry again"})
    v1.credit_notes.list({"invoice": paid.id, "expand": ["data.refunds.refund"]})
    v1.refunds.retrieve(note.refunds[0].refund)
    v1.charges.list({"customer": owner.id})
    v1.payment_intents.list({"customer": owner.id})


def drive_void_credit_note_makes_the_amount_due_again(v1: Any, _plan: Any) -> None:
    owner = v1.customers.create()
    v1.invoice_items.create({"customer": owner.id, "amount": 1000, "currency": "usd"})
    terms: Any = {"collection_method": "send_invoice", "days_until_due": 9}
    terms["pending_invoice_items_behavior"] = "include"
    sent = v1.invoices.send_invoice(v1.invoices.create({"customer": owner.id, **terms}).id)
    note = v1.credit_notes.create({"invoice": sent.id, "amount": 400})
    assert v1.invoices.retrieve(sent.id).amount_remaining == 600
    assert v1.credit_notes.void_credit_note(note.id).status == "void"
    assert v1.invoices.retrieve(sent.id).amount_remaining == 1000


def drive_portal_configurations_and_sessions(v1: Any, _plan: Any) -> None:
    owner = v1.customers.create()
    made = v1.billing_portal.configurations.create(CONFIGURATION)
    v1.billing_portal.configurations.update(
        made.id, {"name": "Main", "default_return_url": "https://x.example/"}
    )
    v1.billing_portal.configurations.retrieve(made.id)
    v1.billing_portal.configurations.list({"is_default": True})
    after = {"type": "redirect", "redirect": {"return_url": "https://x.example/done"}}
    flow = {"type": "payment_method_update", "after_completion": after}
    v1.billing_portal.sessions.create({"customer": owner.id, "locale": "de", "flow_data": flow})


def drive_coupons_discounts_and_schedules(v1: Any, plan: Any) -> None:
    coupon = v1.coupons.create({"percent_off": "12.5", "duration": "forever", "name": "Early bird"})
    v1.coupons.retrieve(coupon.id)
    v1.coupons.list()
    owner = customer_with_card(v1)
    made = v1.subscriptions.create(
        {
            "customer": owner.id,
            "items": [{"price": plan.id, "quantity": 2}],
            "discounts": [{"coupon": coupon.id}],
            "expand": ["discounts.source.coupon", "latest_invoice.discounts"],
        }
    )
    assert made.discounts[0].source.coupon.name == "Early bird"
    assert v1.subscriptions.delete_discount(made.id).deleted
    v1.coupons.delete(coupon.id)
    v1.subscription_schedules.list({"customer": owner.id})


def drive_account_and_webhook_endpoints(v1: Any, _plan: Any) -> None:
    assert v1.accounts.retrieve_current().id.startswith("acct_")
    made = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/none", "enabled_events": ["plan.created"]})
    assert made.secret.startswith("whsec_")
    assert "secret" not in v1.webhook_endpoints.retrieve(made.id)
    v1.webhook_endpoints.update(made.id, {"disabled": True})
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(made.id)


def drive_test_clocks(v1: Any, plan: Any) -> None:
    start = int(time.time()) - 100 * 86_400
    clock = v1.test_helpers.test_clocks.create({"frozen_time": start, "name": "Three months"})
    owner = customer_with_card(v1, "pm_card_chargeCustomerFail", test_clock=clock.id)
    v1.subscriptions.create({"customer": owner.id, "items": [{"price": plan.id}]})
    moved = v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": start + 20 * 86_400})
    assert moved.status == "advancing"
    assert v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    v1.test_helpers.test_clocks.list()
    v1.customers.list({"test_clock": clock.id})
    v1.test_helpers.test_clocks.delete(clock.id)


def named(kind: str, what: str) -> list[str]:
    return [f"{kind}.{word}" for word in what.split()]


def every_event_and_what_it_tells_about_is_allowed(v1: Any) -> None:
    events = list(v1.events.list({"limit": 100}).auto_paging_iter())  # each page is judged
    event = events[0]
    kinds = {event.type for event in events}
    assert v1.events.retrieve(event.id).id == event.id
    assert {
        *named("customer", "created updated deleted"),
        *named("customer.tax_id", "created updated deleted"),
        *named("payment_method", "attached updated detached"),
        *named("customer.subscription", "created updated deleted"),
        *named("invoice", "created updated finalized paid payment_succeeded payment_failed voided"),
        *named("credit_note", "created"),
        *named("billing_portal.configuration", "created updated"),
        *named("billing_portal.session", "created"),
    } <= kinds


def every_route_was_driven(judge: Judge) -> None:
    driven = {
        (route.method, route.path)
        for route in ROUTES
        if any(route.method == method and route.pattern.match(path) for method, path in judge.seen)
    }
    left = {(route.method, route.path) for route in ROUTES} - driven
    assert left == {
        ("GET", "/v1/charges/{charge}"),
        ("GET", "/v1/payment_intents/{intent}"),
        ("GET", "/v1/credit_notes/{id}"),
        ("GET", "/v1/invoice_payments/{payment}"),
        ("GET", "/v1/refunds"),
        ("GET", "/v1/subscription_schedules/{schedule}"),  # these are driven where plans are switched
        ("POST", "/v1/subscription_schedules/{schedule}/cancel"),
        ("POST", "/v1/subscription_schedules/{schedule}/release"),
    }


def test_everything_that_is_served_is_allowed(v1: Any, plan: Any, judge: Judge) -> None:
    """One test, since its end looks back on all of it: parts of it could run in different processes."""
    for drive in DRIVES:
        drive(v1, plan)
    every_event_and_what_it_tells_about_is_allowed(v1)
    every_route_was_driven(judge)


DRIVES = (
    drive_customers,
    drive_tax_ids,
    drive_payment_methods_and_setup_intents,
    drive_products_and_prices_in_several_currencies,
    drive_subscriptions_and_items,
    drive_invoices,
    drive_invoice_items,
    drive_credit_notes,
    drive_void_credit_note_makes_the_amount_due_again,
    drive_portal_configurations_and_sessions,
    drive_coupons_discounts_and_schedules,
    drive_account_and_webhook_endpoints,
    drive_test_clocks,
)
