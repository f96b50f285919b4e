"""The customer's page: what is changed there changes the state and sends the events that the API would."""

import re
from collections.abc import Iterator
from typing import Any

import html5lib
import pytest
import requests
import stripe

from tests.support.processes import http
from tests.support.stripe_standin import Receiver, StripeStandin

ALL = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "email", "address", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {
        "enabled": True,
        "mode": "at_period_end",
        "cancellation_reason": {"enabled": True, "options": ["unused", "other"]},
    },
}
RETURN = "https://portal.example/account/billing"
GOOD: dict[str, Any] = {"number": "5555 5555 5555 4444", "expiry": "12 / 40", "cvc": "123"}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def v1(standin: StripeStandin) -> Any:
    return standin.client().v1


@pytest.fixture(scope="module")
def everything(v1: Any) -> str:
    profile = {"headline": "Acme billing"}
    made = v1.billing_portal.configurations.create({"features": ALL, "business_profile": profile})
    return str(made.id)


@pytest.fixture
def owner(v1: Any) -> Any:
    settings = {"default_payment_method": "pm_card_visa"}
    return v1.customers.create(
        {"name": "Acme", "payment_method": "pm_card_visa", "invoice_settings": settings}
    )


def open_session(v1: Any, owner: Any, configuration: str, **more: Any) -> str:
    params = {"customer": owner.id, "configuration": configuration, "return_url": RETURN, **more}
    return str(v1.billing_portal.sessions.create(params).url)


def get(url: str, status: int = 200) -> str:
    answer = http().get(url, timeout=10)
    assert answer.status_code == status
    html5lib.HTMLParser(strict=True).parse(answer.text)
    assert len(re.findall("<h1", answer.text)) == 1
    return answer.text


def post(url: str, status: int = 303, **data: str) -> requests.Response:
    answer = http().post(url, data=data, timeout=10, allow_redirects=False)
    assert answer.status_code == status, answer.text
    return answer


def default_card(v1: Any, owner: Any) -> Any:
    path = "invoice_settings.default_payment_method"
    return v1.customers.retrieve(owner.id, {"expand": [path]}).invoice_settings.default_payment_method


def subscribe(v1: Any, owner: Any) -> Any:
    data = {"currency": "usd", "unit_amount": 2000, "recurring": {"interval": "month"}}
    price = v1.prices.create({**data, "product_data": {"name": "Pro"}})
    return v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id, "quantity": 3}]})


def test_new_card_becomes_the_default_and_the_events_go_out(
    standin: StripeStandin, v1: Any, owner: Any, everything: str
) -> None:
    with Receiver() as receiver:
        standin.set_webhook(receiver.url, "whsec_x")
        url = open_session(v1, owner, everything)
        page = get(url)
        assert "Visa" in page
        assert "4242" in page
        assert f'<a href="{RETURN}">Return to Acme billing</a>' in page
        get(url + "/payment-methods/new")
        post(url + "/payment-methods", default="1", **GOOD)
        updated = receiver.wait_for("customer.updated")[0]
        standin.drop_webhooks()
    assert default_card(v1, owner).card.last4 == "4444"
    kinds = [event["type"] for event in receiver.events()]
    assert kinds[-3:] == ["payment_method.attached", "setup_intent.succeeded", "customer.updated"]
    assert "default_payment_method" in updated["data"]["previous_attributes"]["invoice_settings"]


def test_card_can_be_added_without_becoming_the_default(v1: Any, owner: Any, everything: str) -> None:
    url = open_session(v1, owner, everything)
    post(url + "/payment-methods", **GOOD)
    assert default_card(v1, owner).card.last4 == "4242"
    added = v1.customers.payment_methods.list(owner.id).data[0]
    assert added.card.last4 == "4444"
    post(f"{url}/payment-methods/{added.id}/default")
    assert default_card(v1, owner).id == added.id


def test_old_card_is_removed_and_the_default_stays(v1: Any, owner: Any, everything: str) -> None:
    subscribe(v1, owner)
    url = open_session(v1, owner, everything)
    old = default_card(v1, owner).id
    post(f"{url}/payment-methods/{old}/remove", 403)
    post(url + "/payment-methods", default="1", **GOOD)
    post(f"{url}/payment-methods/{old}/remove")
    assert [card.card.last4 for card in v1.customers.payment_methods.list(owner.id).data] == ["4444"]
    event = v1.events.list({"type": "payment_method.detached", "limit": 1}).data[0]
    assert event.data.previous_attributes.customer == owner.id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", "4242424242424241"),
        ("number", "4000000000000002"),
        ("number", ""),
        ("expiry", "13/40"),
        ("expiry", "01/20"),
        ("expiry", "soon"),
        ("cvc", "12"),
    ],
)
def test_wrong_card_is_told_beside_its_field(
    v1: Any, owner: Any, everything: str, field: str, value: str
) -> None:
    url = open_session(v1, owner, everything)
    newest = v1.events.list({"limit": 1}).data[0].id
    answer = post(url + "/payment-methods", 422, **{**GOOD, field: value})
    assert v1.events.list({"limit": 1}).data[0].id == newest
    assert f'id="{field}-error"' in answer.text
    assert "value='123'" not in answer.text
    assert len(v1.customers.payment_methods.list(owner.id).data) == 1


def test_card_that_fails_later_is_taken(v1: Any, owner: Any, everything: str) -> None:
    url = open_session(v1, owner, everything)
    post(url + "/payment-methods", default="1", **{**GOOD, "number": "4000000000000341"})
    assert default_card(v1, owner).card.last4 == "0341"


def test_flow_asks_for_the_card_and_goes_where_it_should(v1: Any, owner: Any, everything: str) -> None:
    done = "https://portal.example/done"
    after = {"type": "redirect", "redirect": {"return_url": done}}
    flow = {"type": "payment_method_update", "after_completion": after}
    url = open_session(v1, owner, everything, flow_data=flow)
    assert 'name="number"' in get(url)
    assert post(url + "/payment-methods", **GOOD).headers["Location"] == done
    assert default_card(v1, owner).card.last4 == "4444"


def test_flow_can_end_with_a_confirmation(v1: Any, owner: Any, everything: str) -> None:
    after = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "Thank you, Acme."}}
    flow = {"type": "payment_method_update", "after_completion": after}
    url = open_session(v1, owner, everything, flow_data=flow)
    assert "Thank you, Acme." in post(url + "/payment-methods", 200, **GOOD).text
    assert "<h1>Billing</h1>" in get(url)


def test_details_and_tax_ids(v1: Any, owner: Any, everything: str) -> None:
    url = open_session(v1, owner, everything)
    get(url + "/customer")
    post(
        url + "/customer",
        name="Acme Ltd",
        email="pay@acme.example",
        line1="1 Road",
        postal_code="53111",
        city="Bonn",
        country="DE",
    )
    changed = v1.customers.retrieve(owner.id)
    assert (changed.name, changed.email, changed.address.city) == ("Acme Ltd", "pay@acme.example", "Bonn")
    assert 'value="nobody"' in post(url + "/customer", 422, name="Acme Ltd", email="nobody").text
    assert "1 Road, 53111 Bonn, DE" in get(url)
    get(url + "/tax-ids/new")
    post(url + "/tax-ids", type="eu_vat", value="DE123456789")
    added = v1.customers.tax_ids.list(owner.id).data[0]
    assert (added.value, added.verification.status) == ("DE123456789", "verified")
    post(url + "/tax-ids", 422, type="us_ein", value="x")
    post(f"{url}/tax-ids/{added.id}/remove")
    assert not v1.customers.tax_ids.list(owner.id).data


def test_subscription_is_canceled_and_kept(v1: Any, owner: Any, everything: str) -> None:
    plan = subscribe(v1, owner)
    url = open_session(v1, owner, everything)
    get(f"{url}/subscriptions/{plan.id}/cancel")
    post(f"{url}/subscriptions/{plan.id}/cancel", feedback="unused")
    ended = v1.subscriptions.retrieve(plan.id)
    assert (ended.cancel_at_period_end, ended.cancellation_details.feedback) == (True, "unused")
    post(f"{url}/subscriptions/{plan.id}/keep")
    assert not v1.subscriptions.retrieve(plan.id).cancel_at_period_end


def test_page_offers_only_what_the_configuration_allows(v1: Any, owner: Any) -> None:
    made = v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    plan = subscribe(v1, owner)
    url = open_session(v1, owner, made.id)
    page = get(url)
    for word in ("Add payment method", "Update information", "Cancel subscription", "Add tax ID"):
        assert word not in page
    card = default_card(v1, owner).id
    for path in (
        "/payment-methods",
        f"/payment-methods/{card}/default",
        "/customer",
        "/tax-ids",
        f"/subscriptions/{plan.id}/cancel",
    ):
        post(url + path, 403, **GOOD)


def test_flow_that_the_configuration_does_not_enable_is_refused(v1: Any, owner: Any) -> None:
    made = v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    with pytest.raises(stripe.InvalidRequestError, match="does not enable"):
        open_session(v1, owner, made.id, flow_data={"type": "payment_method_update"})


def test_another_customers_things_are_out_of_reach(v1: Any, owner: Any, everything: str) -> None:
    other = v1.customers.create({"payment_method": "pm_card_amex"})
    card = v1.customers.payment_methods.list(other.id).data[0].id
    url = open_session(v1, owner, everything)
    post(f"{url}/payment-methods/{card}/default", 403)
    post(f"{url}/payment-methods/{card}/remove", 403)
    assert v1.payment_methods.retrieve(card).customer == other.id


def test_session_expires(standin: StripeStandin, v1: Any, owner: Any, everything: str) -> None:
    url = open_session(v1, owner, everything)
    get(url)
    standin.expire_sessions()
    assert RETURN in get(url, 410)
    post(url + "/payment-methods", 410, **GOOD)
    get(url[:-3], 404)


def test_hostile_text_is_shown_as_text(v1: Any, owner: Any, everything: str) -> None:
    v1.customers.update(owner.id, {"name": "<script>alert(1)</script>"})
    page = get(open_session(v1, owner, everything))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_hosted_invoice_is_paid_with_the_card_on_file(standin: StripeStandin, v1: Any, owner: Any) -> None:
    v1.invoice_items.create({"customer": owner.id, "amount": 500, "currency": "usd", "description": "Help"})
    terms = {
        "collection_method": "send_invoice",
        "days_until_due": 9,
        "pending_invoice_items_behavior": "include",
    }
    sent = v1.invoices.send_invoice(v1.invoices.create({"customer": owner.id, **terms}).id)
    assert "Pay with Visa" in get(sent.hosted_invoice_url)
    post(sent.hosted_invoice_url + "/pay")
    assert v1.invoices.retrieve(sent.id).status == "paid"
    assert "Paid" in get(sent.hosted_invoice_url)


def test_overview_shows_the_account(standin: StripeStandin, owner: Any) -> None:
    assert owner.id in get(standin.url + "/")


def test_addresses_of_documents_open(v1: Any, owner: Any) -> None:
    paid = v1.invoices.retrieve(subscribe(v1, owner).latest_invoice)
    note = v1.credit_notes.create({"invoice": paid.id, "amount": 100, "out_of_band_amount": 100})
    assert paid.number in get(paid.hosted_invoice_url)
    for url in (paid.invoice_pdf, note.pdf):
        answer = http().get(url, timeout=30)
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")
