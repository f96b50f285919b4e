"""Visits to Stripe's portal, how it is set up, and whether the account is a live one."""

from typing import Any

import pytest

from portal.gateways.stripe_api import StripeGateway, StripeRefusedError
from portal.gateways.stripe_objects import (
    PORTAL_LOCALES,
    CancelPlan,
    ChangeCard,
    ConfirmSwitch,
    Home,
    PortalFlow,
    SwitchPlan,
)
from tests.conftest import make_settings
from tests.support import stripe_spec
from tests.support.stripe_customers import NewCustomer
from tests.support.stripe_standin import StripeStandin

BACK = "https://app.example.com/account/billing"


@pytest.mark.parametrize("kind", ["Home", "ChangeCard", "CancelPlan", "SwitchPlan", "ConfirmSwitch"])
def test_a_visit_begins_where_it_was_meant_to_and_leads_back(
    real: StripeGateway,
    standin: StripeStandin,
    new_customer: NewCustomer,
    plans: dict[str, str],
    configuration: str,
    kind: str,
) -> None:
    customer_id = new_customer(seat=2)
    (plan,) = real.customer(customer_id).subscriptions
    flows: dict[str, PortalFlow] = {
        "Home": Home(),
        "ChangeCard": ChangeCard(),
        "CancelPlan": CancelPlan(plan.id),
        "SwitchPlan": SwitchPlan(plan.id),
        "ConfirmSwitch": ConfirmSwitch(plan.id, str(plan.item_id), plans["year"], 2),
    }
    standin.clear_requests()
    urls = {
        real.open_portal(
            customer_id,
            flows[kind],
            return_url=BACK,
            configuration=configuration,
            locale="de",
            idempotency_key=f"visit-{kind}",
        )
        for _ in range(2)
    }
    assert len(urls) == 1, "one key, one visit"
    request = standin.requests()[-1]
    given = dict(request["pairs"])
    assert (given["return_url"], given["configuration"], given["locale"]) == (BACK, configuration, "de")
    if kind == "Home":
        assert not [name for name in given if name.startswith("flow_data")]
    else:
        assert given["flow_data[after_completion][redirect][return_url]"] == BACK


def test_an_unknown_configuration_is_refused_with_stripes_reason(
    real: StripeGateway, new_customer: NewCustomer
) -> None:
    with pytest.raises(StripeRefusedError) as refusal:
        real.open_portal(
            new_customer(),
            ChangeCard(),
            return_url=BACK,
            configuration="bpc_unknown",
            idempotency_key="visit-1",
        )
    assert (refusal.value.code, refusal.value.param) == ("resource_missing", "configuration")


def test_a_configuration_is_made_changed_and_read_with_its_products(
    real: StripeGateway, plans: dict[str, str]
) -> None:
    products = [{"product": plans["pro"], "prices": [plans["seat"], plans["year"]]}]
    switching = {"enabled": True, "default_allowed_updates": ["price"], "products": products}
    values: dict[str, Any] = {"features": {"subscription_update": switching}}
    made = {real.create_portal_configuration(values, idempotency_key="new-1") for _ in range(2)}
    assert len(made) == 1, "one key, one configuration"
    changed = {"business_profile": {"headline": "Skylark billing"}}
    real.update_portal_configuration(min(made), changed, idempotency_key="new-2")
    found = real.portal_configuration(min(made))
    assert found["business_profile"]["headline"] == "Skylark billing"
    (kept,) = found["features"]["subscription_update"]["products"]
    assert (kept["product"], set(kept["prices"])) == (plans["pro"], {plans["seat"], plans["year"]})
    assert found in real.portal_configurations()


def test_the_languages_are_those_of_stripes_description() -> None:
    path = "/v1/billing_portal/sessions"
    for locale in PORTAL_LOCALES:
        stripe_spec.validate_request("POST", path, {"customer": "cus_1", "locale": locale})
    with pytest.raises(stripe_spec.SpecError):
        stripe_spec.validate_request("POST", path, {"customer": "cus_1", "locale": "tlh"})


@pytest.mark.parametrize(
    ("key", "is_live"), [("sk_live_a", True), ("rk_live_a", True), ("sk_test_a", False), ("rk_test_a", False)]
)
def test_live_keys_are_told_from_test_keys(key: str, is_live: bool) -> None:
    settings = make_settings("sqlite:///u", stripe_secret_key=key)
    assert StripeGateway(settings).is_live is is_live


def test_the_account_says_itself_whether_it_is_live(
    real: StripeGateway, new_customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_customer()
    assert real.account_is_live() is False
    answers: list[dict[str, Any]] = [{"data": []}, {"data": [{"livemode": True}]}]
    monkeypatch.setattr(real, "_get", lambda *_args, **_named: answers.pop(0))
    assert real.account_is_live() is True
    monkeypatch.setattr(real, "_get", lambda *_args, **_named: {"data": []})
    assert real.account_is_live() is None
