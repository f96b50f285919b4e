"""The judge of Stripe's objects and requests: it takes what the description allows and nothing else."""

import re
from typing import Any

import pytest

from standins.stripe.resources import ROUTES
from standins.stripe.routes import Route
from tests.support import stripe_spec
from tests.support.stripe_spec import Spec, SpecError


@pytest.fixture(params=stripe_spec.sources())
def spec(request: pytest.FixtureRequest) -> Spec:
    return stripe_spec.load(request.param)


def customer(**change: Any) -> dict[str, Any]:
    return {"id": "cus_1", "object": "customer", "created": 1, "livemode": False, **change}


def test_at_least_one_source_of_the_description_is_here() -> None:
    assert stripe_spec.sources()


def test_object_with_its_required_members_passes(spec: Spec) -> None:
    spec.validate_object(customer(name=None, tax_exempt="a value of a later version"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"created": "yesterday"}, "created: 'yesterday' is not of type 'integer'"),
        ({"id": None}, "id: None is not of type 'string'"),
        ({"invoice_settings": {"footer": 3}}, "invoice_settings.footer"),
    ],
)
def test_wrong_member_is_named(spec: Spec, change: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError) as error:
        spec.validate_object(customer(**change))
    assert told in str(error.value)


def test_member_that_stripe_does_not_have_is_refused_when_strict(spec: Spec) -> None:
    spec.validate_object(customer(nickname="x"))
    with pytest.raises(SpecError, match="nickname"):
        spec.validate_object(customer(nickname="x"), strict=True)


def test_object_of_an_unknown_kind_is_refused(spec: Spec) -> None:
    with pytest.raises(SpecError, match="no schema"):
        spec.validate_object({"id": "x", "object": "horse"})


def test_deleted_object_is_judged_as_deleted(spec: Spec) -> None:
    spec.validate_object({"id": "cus_1", "object": "customer", "deleted": True})


def test_request_is_coerced_by_the_description(spec: Spec) -> None:
    pairs = [
        ("customer", "cus_1"),
        ("items[0][price]", "price_1"),
        ("items[0][quantity]", "3"),
        ("cancel_at_period_end", "true"),
        ("expand[]", "latest_invoice"),
    ]
    assert spec.validate_request("POST", "/v1/subscriptions", pairs) == {
        "customer": "cus_1",
        "items": [{"price": "price_1", "quantity": 3}],
        "cancel_at_period_end": True,
        "expand": ["latest_invoice"],
    }


@pytest.mark.parametrize(
    ("method", "path", "pairs", "told"),
    [
        ("POST", "/v1/customers", [("nme", "x")], "nme"),
        ("POST", "/v1/customers", [("balance", "ten")], "balance"),
        ("POST", "/v1/subscriptions", [("items[0][prise]", "x")], "prise"),
        ("POST", "/v1/billing_portal/configurations", [], "features"),
        ("GET", "/v1/subscription_items", [], "subscription"),
        ("GET", "/v1/invoices", [("statuss", "paid")], "statuss"),
        ("POST", "/v1/horses", [], "Stripe has no POST /v1/horses"),
    ],
)
def test_wrong_request_is_refused(
    spec: Spec, method: str, path: str, pairs: list[tuple[str, str]], told: str
) -> None:
    with pytest.raises(SpecError, match=told):
        spec.validate_request(method, path, pairs)


def test_empty_string_clears_a_field_where_stripe_allows_it(spec: Spec) -> None:
    assert spec.validate_request("POST", "/v1/customers/cus_1", [("address", "")]) == {"address": ""}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_route_takes_only_parameters_that_stripe_takes(route: Route) -> None:
    spec = stripe_spec.load(stripe_spec.sources()[0])
    operations = {re.sub(r"\{\w+\}", "{}", path): known for path, known in spec.paths.items()}
    operation = operations[re.sub(r"\{\w+\}", "{}", route.path)][route.method.lower()]
    form = operation["requestBody"]["content"][stripe_spec.FORM]["schema"].get("properties", {})
    query = [entry["name"] for entry in operation.get("parameters", []) if entry["in"] == "query"]
    assert set(route.fields) <= {*form, *query}
