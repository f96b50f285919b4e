"""What Stripe may do instead of answering, and that a write is done once whatever it does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from portal.gateways.stripe_api import (
    StripeGateway,
    StripeRefusedError,
    StripeUnavailableError,
    client,
    patience,
)
from portal.gateways.stripe_objects import ChangeCard
from tests.portal.gateways.stripe_gateway import stripe_settings
from tests.support.stripe_customers import NewCustomer
from tests.support.stripe_standin import StripeStandin

Call = Callable[[StripeGateway, "Given"], object]


@dataclass(frozen=True)
class Given:
    """What a write is about, and the key that it goes out under."""

    customer: str
    configuration: str
    key: str


WRITES: dict[str, Call] = {
    "details": lambda real, given: real.update_customer(
        given.customer, name="Acme", email="a@acme.example", idempotency_key=given.key
    ),
    "tax id": lambda real, given: real.create_tax_id(
        given.customer, "eu_vat", "DE123456789", idempotency_key=given.key
    ),
    "visit": lambda real, given: real.open_portal(
        given.customer,
        ChangeCard(),
        return_url="https://a.example",
        configuration=given.configuration,
        idempotency_key=given.key,
    ),
    "configuration": lambda real, given: real.update_portal_configuration(
        given.configuration, {"name": "Skylark"}, idempotency_key=given.key
    ),
}


@pytest.mark.parametrize("fault", ["429", "500", "reset", "reset_after", "html"])
def test_a_failing_stripe_is_unavailable_and_rests(
    real: StripeGateway, standin: StripeStandin, fault: str
) -> None:
    standin.faults(fault)
    with pytest.raises(StripeUnavailableError):
        real.customer("cus_1", tries=1)
    assert real.is_resting
    assert len(standin.requests()) == 1, "one try was allowed"


def test_a_hanging_stripe_is_given_up_within_five_seconds(
    real: StripeGateway, standin: StripeStandin
) -> None:
    standin.faults("hang", seconds=20)
    started = time.monotonic()
    with pytest.raises(StripeUnavailableError):
        real.customer("cus_1")
    assert time.monotonic() - started < 5
    assert len(standin.requests()) == 2


def test_who_is_patient_hears_a_slow_answer(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer()
    standin.faults("hang", seconds=client.TIMEOUT_SECONDS + 0.5, count=1)
    with patience():
        assert real.customer(customer_id, tries=1).name == "Acme"
    standin.faults("hang", seconds=client.TIMEOUT_SECONDS + 0.5, count=1)
    with pytest.raises(StripeUnavailableError):
        real.customer(customer_id, tries=1)


def test_one_failure_is_tried_again(
    real: StripeGateway, standin: StripeStandin, new_customer: NewCustomer
) -> None:
    customer_id = new_customer()
    standin.faults("500", count=1)
    assert real.customer(customer_id).name == "Acme"
    assert not real.is_resting


@pytest.mark.parametrize(
    ("kind", "fault"), [("tax id", "500"), ("tax id", "reset"), *((kind, "reset_after") for kind in WRITES)]
)
def test_a_write_is_done_once_and_under_the_given_key(
    real: StripeGateway,
    standin: StripeStandin,
    new_customer: NewCustomer,
    configuration: str,
    kind: str,
    fault: str,
) -> None:
    given = Given(new_customer(), configuration, f"{kind}-{fault}")
    standin.clear_requests()
    standin.faults(fault, count=1)
    WRITES[kind](real, given)
    WRITES[kind](real, given)
    writes = [request for request in standin.requests() if request["method"] == "POST"]
    assert {request["idempotency_key"] for request in writes} == {given.key}
    assert len(real.customer(given.customer).tax_ids) == (1 if kind == "tax id" else 0)


def test_the_same_key_for_something_else_is_refused(real: StripeGateway, new_customer: NewCustomer) -> None:
    customer_id = new_customer()
    real.create_tax_id(customer_id, "eu_vat", "DE123456789", idempotency_key="other")
    with pytest.raises(StripeRefusedError):
        real.create_tax_id(customer_id, "eu_vat", "DE999999999", idempotency_key="other")
    assert not real.is_resting


def test_stripe_says_how_long_to_leave_it_alone(
    real: StripeGateway, standin: StripeStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.faults("429", retry_after=30)
    with pytest.raises(StripeUnavailableError) as failure:
        real.customer("cus_1")
    assert failure.value.retry_after_seconds == 30
    later = time.monotonic() + 25
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert real.is_resting, "as long as asked, not only the usual ten seconds"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 7 ", 7), (None, None), ("soon", None), ("-1", None), ("٣", None)],
)
def test_a_wait_is_a_number_of_seconds(header: str | None, seconds: int | None) -> None:
    assert client.seconds_to_wait(header) == seconds


def test_a_wait_may_be_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 <= (client.seconds_to_wait(date) or 0) <= 90
    assert client.seconds_to_wait(format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)) == 0


def test_a_rejected_key_is_a_failure_of_ours_and_says_nothing_of_it(standin: StripeStandin) -> None:
    wrong = StripeGateway(stripe_settings(stripe_secret_key="sk_test_wrong", stripe_api_base=standin.url))
    with pytest.raises(StripeUnavailableError) as failure:
        wrong.customer("cus_1")
    assert "sk_test" not in failure.value.message
