"""The Stripe gateway: signatures, and every request it makes judged by Stripe's own description."""

import hmac
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from portal.config import Settings
from portal.errors import NotFoundError
from portal.gateways.stripe_api import (
    API_VERSION,
    BadSignatureError,
    StripeGateway,
    StripeRefusedError,
    StripeUnavailableError,
)
from tests.conftest import make_settings
from tests.support import stripe_spec
from tests.support.stripe_standin import SECRET_KEY, StripeStandin

BODY = b'{"id": "evt_1"}'
OLD, NEW = "whsec_old", "whsec_new"


def settings(**more: Any) -> Settings:
    return make_settings(
        "sqlite:///unused", stripe_secret_key=SECRET_KEY, stripe_webhook_secrets=f"{OLD},{NEW}", **more
    )


@pytest.fixture(scope="module")
def gateway() -> StripeGateway:
    return StripeGateway(settings())


def mac(secret: str, at: float, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), f"{int(at)}.".encode() + body, sha256).hexdigest()


def header(secret: str = NEW, offset: float = 0, body: bytes = BODY, scheme: str = "v1") -> str:
    moment = time.time() + offset
    return f"t={int(moment)},{scheme}={mac(secret, moment, body)}"


@pytest.mark.parametrize("offset", [0, -290, 290])
@pytest.mark.parametrize("secret", [OLD, NEW])
def test_both_secrets_of_a_roll_are_good(gateway: StripeGateway, secret: str, offset: float) -> None:
    assert gateway.verify_event(BODY, header(secret, offset)) == BODY.decode()


def test_one_good_signature_of_several_is_enough(gateway: StripeGateway) -> None:
    moment = int(time.time())
    both = f"t={moment},v1={'0' * 64},v1={mac(OLD, moment)},v0={'1' * 64}"
    assert gateway.verify_event(BODY, both)


WRONG = {
    "none": lambda: "",
    "other secret": lambda: header("whsec_other"),
    "too old": lambda: header(offset=-310),
    "in the future": lambda: header(offset=310),
    "old scheme": lambda: header(scheme="v0"),
    "another body": lambda: header(body=b"{}"),
    "no time": lambda: f"v1={mac(NEW, time.time())}",
    "no signature": lambda: f"t={int(time.time())}",
    "words for a time": lambda: f"t=now,v1={mac(NEW, time.time())}",
    "Arabic digits": lambda: f"t=١٢٣,v1={mac(NEW, time.time())}",
    "a very long time": lambda: f"t={'9' * 5000},v1={mac(NEW, time.time())}",
    "two times": lambda: (
        f"t={int(time.time())},t={int(time.time()) + 9999},v1={mac(NEW, time.time() + 9999)}"
    ),
    "future first": lambda: (
        f"t={int(time.time()) + 9999},v1={mac(NEW, time.time() + 9999)},t={int(time.time())}"
    ),
    "noise": lambda: "=,=,t,v1,,==",
    "beyond ASCII": lambda: f"t={int(time.time())},v1=ü",
}


@pytest.mark.parametrize("kind", WRONG)
def test_every_other_header_is_refused(gateway: StripeGateway, kind: str) -> None:
    with pytest.raises(BadSignatureError) as refusal:
        gateway.verify_event(BODY, WRONG[kind]())
    assert int(refusal.value.status) == 400


def test_one_changed_byte_is_noticed(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignatureError):
        gateway.verify_event(BODY + b" ", header())


def test_a_body_that_is_no_text_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(BadSignatureError):
        gateway.verify_event(b"\xff\xfe", header(body=b"\xff\xfe"))


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    folder: Path = tmp_path_factory.mktemp("stripe")
    with StripeStandin(folder) as process:
        yield process


@pytest.fixture
def real(standin: StripeStandin) -> Iterator[StripeGateway]:
    """The gateway, pointed at the stand-in; afterwards every request that it made is judged."""
    standin.faults("ok")
    standin.clear_requests()
    yield StripeGateway(settings(stripe_api_base=standin.url))
    for request in standin.requests():
        assert request["stripe_version"] == API_VERSION, request["path"]
        if request["status"] != 404:
            stripe_spec.validate_request(request["method"], request["path"], request["pairs"])


@pytest.fixture(scope="module")
def customer_id(standin: StripeStandin) -> str:
    """A customer with a card, a subscription of five seats and its first invoice."""
    api = standin.client().v1
    product = api.products.create({"name": "Pro"})
    flat = api.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    seat = api.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 3_000,
            "recurring": {"interval": "month"},
            "metadata": {"per": "seat"},
        }
    )
    customer = api.customers.create({"name": "Acme", "email": "billing@acme.example"})
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    api.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": flat.id, "quantity": 1}, {"price": seat.id, "quantity": 5}],
        }
    )
    return customer.id


def test_a_customer_is_read_with_card_and_plan(real: StripeGateway, customer_id: str) -> None:
    found = real.customer(customer_id)
    assert (found.name, found.email, found.is_deleted) == ("Acme", "billing@acme.example", False)
    assert found.card is not None
    assert (found.card.brand, found.card.last4) == ("visa", "4242")
    (plan,) = found.subscriptions
    assert (plan.plan_name, plan.seats, plan.amount_minor, plan.currency) == ("Pro", 5, 15_900, "usd")
    assert plan.period_ends_at is not None
    assert plan.period_ends_at.tzinfo is not None


def test_a_product_is_asked_for_its_name_once(
    real: StripeGateway, standin: StripeStandin, customer_id: str
) -> None:
    for _ in range(3):
        real.customer(customer_id)
    assert [request["path"].split("/")[2] for request in standin.requests()].count("products") == 1


def test_details_are_set_under_the_given_key(
    real: StripeGateway, standin: StripeStandin, customer_id: str
) -> None:
    for _ in range(2):
        real.update_customer(customer_id, name="Acme", email="billing@acme.example", idempotency_key="msg_1")
    assert {request["idempotency_key"] for request in standin.requests()} == {"msg_1"}


def test_invoices_are_read_alone_and_in_a_list(real: StripeGateway, customer_id: str) -> None:
    (listed,) = real.invoices(customer_id)
    assert real.invoice(listed.id) == listed
    assert (listed.status, listed.total_minor, listed.customer_id) == ("paid", 15_900, customer_id)
    assert sum(line.amount_minor for line in listed.lines) == listed.subtotal_minor
    assert listed.pdf_url is not None
    assert listed.pdf_url.startswith("http")


def test_a_portal_session_leads_to_a_page(real: StripeGateway, customer_id: str) -> None:
    configuration = real.create_portal_configuration(
        headline="Skylark", return_url="https://app.example.com/account/billing"
    )
    for known in (configuration, None):
        url = real.open_portal(
            customer_id, return_url="https://app.example.com/account/billing", configuration=known
        )
        assert url.startswith("http")


def test_a_deleted_customer_is_said_to_be_deleted(real: StripeGateway, standin: StripeStandin) -> None:
    api = standin.client().v1
    gone = api.customers.create({"name": "Gone"}).id
    api.customers.delete(gone)
    found = real.customer(gone)
    assert (found.is_deleted, found.card, found.subscriptions) == (True, None, ())


def test_what_stripe_does_not_know_is_not_found(real: StripeGateway) -> None:
    with pytest.raises(NotFoundError):
        real.customer("cus_unknown")
    with pytest.raises(NotFoundError):
        real.invoice("in_unknown")


def test_a_refusal_is_not_a_failure(real: StripeGateway, customer_id: str) -> None:
    with pytest.raises(StripeRefusedError):
        real.open_portal(customer_id, return_url="https://app.example.com", configuration="bpc_unknown")


@pytest.mark.parametrize("fault", ["429", "500", "reset", "html"])
def test_a_failing_stripe_is_unavailable(
    real: StripeGateway, standin: StripeStandin, customer_id: str, fault: str
) -> None:
    standin.faults(fault)
    with pytest.raises(StripeUnavailableError):
        real.customer(customer_id, tries=1)
    standin.faults("ok")


def test_one_failure_is_tried_again(real: StripeGateway, standin: StripeStandin, customer_id: str) -> None:
    standin.faults("500", count=1)
    assert real.customer(customer_id).name == "Acme"


def test_a_hanging_stripe_is_given_up_within_five_seconds(
    real: StripeGateway, standin: StripeStandin, customer_id: str
) -> None:
    standin.faults("hang", seconds=20)
    started = time.monotonic()
    with pytest.raises(StripeUnavailableError):
        real.customer(customer_id, tries=1)
    assert time.monotonic() - started < 5
    standin.faults("ok")


def test_a_rejected_key_is_a_failure_of_ours_and_says_nothing_of_it(standin: StripeStandin) -> None:
    wrong = StripeGateway(
        make_settings("sqlite:///unused", stripe_secret_key="sk_test_wrong", stripe_api_base=standin.url)
    )
    with pytest.raises(StripeUnavailableError) as failure:
        wrong.customer("cus_1")
    assert "sk_test" not in failure.value.message


def test_live_keys_are_told_from_test_keys() -> None:
    kinds = {
        key: StripeGateway(make_settings("sqlite:///u", stripe_secret_key=key)).is_live
        for key in ("sk_live_a", "rk_live_a", "sk_test_a", "rk_test_a")
    }
    assert kinds == {"sk_live_a": True, "rk_live_a": True, "sk_test_a": False, "rk_test_a": False}
