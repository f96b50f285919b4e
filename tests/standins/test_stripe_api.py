"""The API's manners: keys, errors, lists, idempotency, state that survives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.support.processes import Process, http
from tests.support.stripe_standin import SECRET_KEY, StripeStandin


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeStandin]:
    with StripeStandin(tmp_path_factory.mktemp("stripe")) as running:
        yield running


@pytest.fixture(scope="module")
def v1(standin: StripeStandin) -> Any:
    return standin.client().v1


def post(standin: StripeStandin, path: str, data: dict[str, str], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Authorization": f"Bearer {SECRET_KEY}", **named}
    return http().post(standin.url + path, data=data, headers=named, timeout=10)


def test_wrong_key_is_401(standin: StripeStandin) -> None:
    wrong = stripe.StripeClient("sk_test_other", base_addresses={"api": standin.url})
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.customers.list()
    assert http().get(standin.url + "/v1/customers", timeout=5).status_code == 401


def test_another_version_of_the_api_is_refused(standin: StripeStandin) -> None:
    answer = post(standin, "/v1/customers", {}, Stripe_Version="2020-08-27")
    assert answer.status_code == 400
    assert "2020-08-27" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "data", "status", "code", "param"),
    [
        ("/v1/customers", {"nme": "x"}, 400, "parameter_unknown", "nme"),
        ("/v1/customers", {"invoice_settings[x]": "1"}, 400, "parameter_unknown", "invoice_settings[x]"),
        ("/v1/customers", {"balance": "ten"}, 400, "parameter_invalid_integer", "balance"),
        ("/v1/customers", {"email": "nobody"}, 400, "email_invalid", "email"),
        ("/v1/products", {}, 400, "parameter_missing", "name"),
        ("/v1/customers/cus_none", {}, 404, "resource_missing", "id"),
        (
            "/v1/subscriptions",
            {"customer": "cus_none", "items[0][price]": "p"},
            400,
            "resource_missing",
            "customer",
        ),
        ("/v1/horses", {}, 404, None, None),
    ],
)
def test_error_has_stripes_shape(
    standin: StripeStandin, path: str, data: dict[str, str], status: int, code: str | None, param: str | None
) -> None:
    answer = post(standin, path, data)
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error.get("param")) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


def test_error_leaves_nothing_behind(v1: Any) -> None:
    before = v1.events.list({"limit": 1}).data
    owner = v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError):
        v1.subscriptions.create({"customer": owner.id, "items": [{"price": "price_none"}]})
    since = [event.type for event in v1.events.list({"ending_before": before[0].id} if before else {}).data]
    assert since[0] == "customer.created"


def test_pages_of_a_list_meet_without_gap_or_overlap(v1: Any) -> None:
    made = [v1.customers.create({"email": "list@x.example"}).id for _ in range(7)]
    newest_first = made[::-1]
    first = v1.customers.list({"email": "list@x.example", "limit": 3})
    second = v1.customers.list({"email": "list@x.example", "limit": 3, "starting_after": first.data[-1].id})
    third = v1.customers.list({"email": "list@x.example", "limit": 3, "starting_after": second.data[-1].id})
    assert [row.id for part in (first, second, third) for row in part.data] == newest_first
    assert [part.has_more for part in (first, second, third)] == [True, True, False]
    back = v1.customers.list({"email": "list@x.example", "limit": 3, "ending_before": third.data[0].id})
    assert [row.id for row in back.data] == newest_first[3:6]
    assert back.has_more
    assert not v1.customers.list({"email": "list@x.example", "limit": 7}).has_more
    every = v1.customers.list({"email": "list@x.example", "limit": 2}).auto_paging_iter()
    assert [row.id for row in every] == newest_first


def test_list_refuses_a_limit_above_100_and_an_unknown_cursor(v1: Any) -> None:
    for params in ({"limit": 101}, {"starting_after": "cus_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            v1.customers.list(params)


def test_same_key_and_body_replays_the_first_answer(standin: StripeStandin) -> None:
    first = post(standin, "/v1/customers", {"name": "Once"}, Idempotency_Key="k1")
    again = post(standin, "/v1/customers", {"name": "Once"}, Idempotency_Key="k1")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Request-Id"] == first.headers["Request-Id"]


def test_same_key_with_another_body_is_an_idempotency_error(standin: StripeStandin, v1: Any) -> None:
    v1.customers.create({"name": "One"}, {"idempotency_key": "k2"})
    with pytest.raises(stripe.IdempotencyError):
        v1.customers.create({"name": "Two"}, {"idempotency_key": "k2"})


def test_refused_request_leaves_its_key_free(standin: StripeStandin) -> None:
    assert post(standin, "/v1/products", {}, Idempotency_Key="k3").status_code == 400
    assert post(standin, "/v1/products", {"name": "Now"}, Idempotency_Key="k3").status_code == 200


def test_declined_payment_is_kept_under_its_key(v1: Any) -> None:
    card = {"default_payment_method": "pm_card_chargeCustomerFail"}
    owner = v1.customers.create({"payment_method": "pm_card_chargeCustomerFail", "invoice_settings": card})
    v1.invoice_items.create({"customer": owner.id, "amount": 500, "currency": "usd"})
    draft = v1.invoices.create({"customer": owner.id, "pending_invoice_items_behavior": "include"})
    for _ in range(2):
        with pytest.raises(stripe.CardError) as error:
            v1.invoices.pay(draft.id, {}, {"idempotency_key": "k4"})
        assert '"decline_code": "generic_decline"' in str(error.value.http_body)
    assert v1.invoices.retrieve(draft.id).attempt_count == 1


def test_expansion_that_leads_nowhere_is_refused(v1: Any) -> None:
    owner = v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        v1.customers.retrieve(owner.id, {"expand": ["horse"]})


def test_cleared_field_is_null_and_cleared_metadata_is_gone(v1: Any) -> None:
    owner = v1.customers.create(
        {"name": "Acme", "metadata": {"a": "1", "b": "2"}, "address": {"city": "Bonn"}}
    )
    v1.customers.update(owner.id, {"name": "", "address": "", "metadata": {"a": ""}})
    changed = v1.customers.retrieve(owner.id)
    assert (changed.name, changed.address, changed.metadata.to_dict()) == (None, None, {"b": "2"})


def test_default_card_must_be_attached_to_the_customer(v1: Any) -> None:
    owner = v1.customers.create()
    other = v1.customers.create({"payment_method": "pm_card_visa"})
    card = v1.customers.payment_methods.list(other.id).data[0].id
    with pytest.raises(stripe.InvalidRequestError):
        v1.customers.update(owner.id, {"invoice_settings": {"default_payment_method": card}})


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", "card_declined"),
        ("4242424242424241", "incorrect_number"),
        ("4000000000000069", "expired_card"),
    ],
)
def test_card_that_is_refused_is_not_attached(v1: Any, number: str, code: str) -> None:
    owner = v1.customers.create()
    card = {"number": number, "exp_month": 1, "exp_year": 2040, "cvc": "123"}

    def add() -> None:
        made = v1.payment_methods.create({"type": "card", "card": card})
        v1.payment_methods.attach(made.id, {"customer": owner.id})

    with pytest.raises(stripe.CardError) as error:
        add()
    assert error.value.code == code
    assert not v1.customers.payment_methods.list(owner.id).data


def test_amounts_are_minor_units_of_their_currency(v1: Any) -> None:
    product = v1.products.create({"name": "Pro"})
    for currency, text in (("usd", "$12.34"), ("jpy", "¥1,234"), ("kwd", "KWD 1.234")):
        owner = v1.customers.create({"payment_method": "pm_card_visa"})
        card = v1.customers.payment_methods.list(owner.id).data[0].id
        price = v1.prices.create(
            {
                "product": product.id,
                "currency": currency,
                "unit_amount": 1234,
                "recurring": {"interval": "month"},
            }
        )
        terms = {"customer": owner.id, "items": [{"price": price.id}], "default_payment_method": card}
        made = v1.subscriptions.create({**terms, "expand": ["latest_invoice"]})
        assert (made.latest_invoice.total, made.latest_invoice.currency) == (1234, currency)
        assert text in http().get(made.latest_invoice.hosted_invoice_url, timeout=5).text


def test_preview_changes_nothing(v1: Any) -> None:
    card = {"default_payment_method": "pm_card_visa"}
    owner = v1.customers.create({"payment_method": "pm_card_visa", "invoice_settings": card})
    data = {"currency": "usd", "unit_amount": 1000, "recurring": {"interval": "month"}}
    price = v1.prices.create({**data, "product_data": {"name": "Pro"}})
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id, "quantity": 2}]})
    newest = v1.events.list({"limit": 1}).data[0].id
    change = {
        "items": [{"id": made["items"].data[0].id, "quantity": 5}],
        "proration_behavior": "always_invoice",
    }
    seen = v1.invoices.create_preview({"subscription": made.id, "subscription_details": change})
    assert [line.amount for line in seen.lines.data] == [-2000, 5000]
    assert seen.total == 3000
    assert v1.subscriptions.retrieve(made.id) == made
    assert v1.events.list({"limit": 1}).data[0].id == newest


def test_event_tells_what_was_before(v1: Any) -> None:
    owner = v1.customers.create({"name": "Old", "address": {"city": "Bonn", "country": "DE"}})
    v1.customers.update(owner.id, {"name": "New", "address": {"city": "Mainz", "country": "DE"}})
    event = v1.events.list({"type": "customer.updated", "limit": 1}).data[0]
    assert event.data.previous_attributes.to_dict() == {"name": "Old", "address": {"city": "Bonn"}}
    assert event.data.object.name == "New"


def test_update_that_changes_nothing_sends_no_event(v1: Any) -> None:
    owner = v1.customers.create({"name": "Same"})
    newest = v1.events.list({"limit": 1}).data[0].id
    v1.customers.update(owner.id, {"name": "Same"})
    assert v1.events.list({"limit": 1}).data[0].id == newest


def test_deleting_a_customer_ends_its_subscriptions(v1: Any) -> None:
    card = {"default_payment_method": "pm_card_visa"}
    owner = v1.customers.create({"payment_method": "pm_card_visa", "invoice_settings": card})
    data = {"currency": "usd", "unit_amount": 1000, "recurring": {"interval": "month"}}
    price = v1.prices.create({**data, "product_data": {"name": "Pro"}})
    made = v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id}]})
    v1.customers.delete(owner.id)
    assert v1.subscriptions.retrieve(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        v1.customers.update(owner.id, {"name": "Again"})


def test_state_and_links_survive_a_restart(tmp_path: Path) -> None:
    with StripeStandin(tmp_path) as first:
        owner = first.client().v1.customers.create({"name": "Stays"})
        assert first.process.stop() == 0
    with StripeStandin(tmp_path) as second:
        assert second.client().v1.customers.retrieve(owner.id).name == "Stays"


def test_committed_change_survives_sigkill(tmp_path: Path) -> None:
    with StripeStandin(tmp_path) as first:
        owner = first.client().v1.customers.create({"name": "Stays"})
        first.process.kill_group()
    with StripeStandin(tmp_path) as second:
        assert second.client().v1.customers.retrieve(owner.id).name == "Stays"


def test_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with StripeStandin(tmp_path) as first:
        port = first.url.rpartition(":")[2]
        second = Process.python("-m", "standins.stripe", "--port", port, log=tmp_path / "second.log")
        assert second.wait_for_exit() == 1
        assert second.output.splitlines() == [
            f"stripe stand-in: cannot listen on 127.0.0.1:{port}: Address already in use"
        ]


def test_reset_forgets_everything(tmp_path: Path) -> None:
    with StripeStandin(tmp_path) as standin:
        v1: Any = standin.client().v1
        v1.customers.create({"name": "Gone"}, {"idempotency_key": "k"})
        standin.reset()
        assert not v1.customers.list().data
        assert [row["path"] for row in standin.requests()] == ["/v1/customers"]
        v1.customers.create({"name": "Other"}, {"idempotency_key": "k"})
