"""The switches that make the API misbehave, and the log of what it received."""

import time
from collections.abc import Iterator

import pytest
import requests
import stripe

from tests.support.processes import http
from tests.support.stripe_standin import SECRET_KEY, StripeStandin


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as standin:
        yield standin


@pytest.fixture
def standin(running: StripeStandin) -> StripeStandin:
    running.reset()
    return running


def names(standin: StripeStandin) -> list[str | None]:
    return [row.name for row in standin.client().v1.customers.list().data]


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("429", stripe.RateLimitError),
        ("500", stripe.APIError),
        ("html", stripe.APIError),
        ("reset", stripe.APIConnectionError),
    ],
)
def test_fault_comes_before_anything_is_done(
    standin: StripeStandin, mode: str, error: type[stripe.StripeError]
) -> None:
    standin.faults(mode)
    with pytest.raises(error):
        standin.client().v1.customers.create({"name": "Never"})
    standin.faults("ok")
    assert names(standin) == []


@pytest.mark.parametrize("mode", ["reset", "reset_after"])
def test_reset_ends_the_connection_at_once(standin: StripeStandin, mode: str) -> None:
    standin.faults(mode)
    with pytest.raises(requests.ConnectionError):  # not a timeout
        http().post(standin.url + "/v1/customers", auth=(SECRET_KEY, ""), timeout=60)


@pytest.mark.parametrize("mode", ["429", "500"])
def test_fault_says_when_to_come_again(standin: StripeStandin, mode: str) -> None:
    standin.faults(mode, count=1, retry_after=7)
    answer = http().get(standin.url + "/v1/customers", auth=(SECRET_KEY, ""), timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (int(mode), "7")


def test_hang_outlasts_the_clients_patience(standin: StripeStandin) -> None:
    standin.faults("hang", seconds=3, count=1)
    began = time.monotonic()
    with pytest.raises(stripe.APIConnectionError):
        standin.client(timeout=0.5).v1.customers.list()
    assert time.monotonic() - began < 3
    assert http().get(standin.url + "/_control/health", timeout=2).ok


def test_others_are_answered_while_one_request_hangs(standin: StripeStandin) -> None:
    standin.faults("hang", seconds=3, count=1)
    with pytest.raises(stripe.APIConnectionError):
        standin.client(timeout=0.3).v1.customers.list()
    assert names(standin) == []


def test_reset_after_does_the_work_and_the_key_finds_it_again(standin: StripeStandin) -> None:
    standin.faults("reset_after", count=1)
    client = standin.client()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Done"}, {"idempotency_key": "k"})
    assert names(standin) == ["Done"]
    again = client.v1.customers.create({"name": "Done"}, {"idempotency_key": "k"})
    assert again.name == "Done"
    assert names(standin) == ["Done"]


def test_fault_before_acting_leaves_the_key_free(standin: StripeStandin) -> None:
    standin.faults("500", count=1)
    client = standin.client(max_network_retries=1)
    client.v1.customers.create({"name": "Second try"})
    assert names(standin) == ["Second try"]


def test_fault_is_counted_and_kept_to_its_path(standin: StripeStandin) -> None:
    standin.faults("500", count=1, path_prefix="/v1/invoices")
    client = standin.client()
    client.v1.customers.list()
    with pytest.raises(stripe.APIError):
        client.v1.invoices.list()
    client.v1.invoices.list()


def test_unknown_mode_is_refused(standin: StripeStandin) -> None:
    answer = http().post(standin.url + "/_control/faults", json={"mode": "flood"}, timeout=5)
    assert answer.status_code == 400


def test_every_request_is_written_down(standin: StripeStandin) -> None:
    client = standin.client()
    client.v1.customers.create({"name": "Acme", "metadata": {"a": "b"}}, {"idempotency_key": "k"})
    standin.faults("429", count=1)
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.list({"limit": 2})
    first, second = standin.requests()
    assert (first["method"], first["path"], first["status"]) == ("POST", "/v1/customers", 200)
    assert first["body"] == {"name": "Acme", "metadata": {"a": "b"}}
    assert first["idempotency_key"] == "k"
    assert first["stripe_version"] == "2026-05-27.dahlia"
    assert (second["fault"], second["status"], second["pairs"]) == ("429", 429, [["limit", "2"]])
    assert standin.requests(since=second["seq"]) == []
    standin.clear_requests()
    assert standin.requests() == []
