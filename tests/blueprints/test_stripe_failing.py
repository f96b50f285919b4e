"""The pages while Stripe fails in every way it can: an answer in time, a notice, and each write done once."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from jobs.push_to_stripe import push_to_stripe
from jobs.work import Work
from portal.extensions import db
from portal.gateways.stripe_api import StripeGateway
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage
from portal.stripe_portal.models import StripeConfiguration
from tests.blueprints.web import Browser
from tests.conftest import make_settings
from tests.factories import World
from tests.support.stripe_customers import NewCustomer, hold_change
from tests.support.stripe_standin import SECRET_KEY, StripeStandin

FAULTS = ["429", "500", "hang", "reset", "reset_after", "html"]
SECONDS = 5
SILENCE = "Stripe does not answer right now"
KNOWN_LAST = "You see what we knew last"
NewOwner = Callable[[], Browser]


@pytest.fixture
def customer_id(
    app: Flask, world: World, standin: StripeStandin, new_customer: NewCustomer, configuration: str
) -> Iterator[str]:
    """Acme's customer at the stand-in, with a plan of three seats and the portal set up."""
    made = new_customer(seat=3)
    with app.app_context():
        db.session.get_one(Organization, world.acme.organization_id).stripe_customer_id = made
        db.session.add(StripeConfiguration(stripe_id=configuration, livemode=False))
        db.session.commit()
    standin.faults("ok")
    yield made
    standin.faults("ok")


@pytest.fixture
def new_owner(
    app: Flask, browse: Callable[[str], Browser], standin: StripeStandin, customer_id: str
) -> NewOwner:
    """Acme's owner before an application that has not met any failure of Stripe's yet."""
    settings = make_settings("sqlite:///unused", stripe_secret_key=SECRET_KEY, stripe_api_base=standin.url)

    def make() -> Browser:
        standin.faults("ok")
        app.extensions["portal"].stripe = StripeGateway(settings)
        return browse("owner@acme.example")

    return make


def in_time(owner: Browser, method: str, path: str, data: dict[str, Any] | None = None) -> TestResponse:
    started = time.monotonic()
    answer = owner.send(method, path, data)
    assert time.monotonic() - started < SECONDS, path
    return answer


def writes(standin: StripeStandin, path: str) -> list[dict[str, Any]]:
    return [item for item in standin.requests() if item["method"] == "POST" and path in item["path"]]


def test_the_billing_page_says_so_in_time_and_the_others_are_normal(
    new_owner: NewOwner, standin: StripeStandin
) -> None:
    for fault in FAULTS:
        owner = new_owner()
        assert KNOWN_LAST not in in_time(owner, "GET", "/account/billing").text, fault
        standin.faults(fault, seconds=20)
        assert KNOWN_LAST in in_time(owner, "GET", "/account/billing").text, fault
        for path in ("team", "invoices"):
            answer = in_time(owner, "GET", f"/account/{path}")
            assert answer.status_code == 200
            assert SILENCE not in answer.text


def test_only_the_next_charge_is_missing_where_only_the_preview_fails(
    new_owner: NewOwner, standin: StripeStandin
) -> None:
    for fault in FAULTS:
        owner = new_owner()
        standin.faults(fault, seconds=20, path_prefix="/v1/invoices")
        page = in_time(owner, "GET", "/account/billing").text
        assert "4242" in page, fault
        assert KNOWN_LAST not in page, fault


def test_a_visit_that_cannot_begin_leads_back_with_the_reason(
    new_owner: NewOwner, standin: StripeStandin
) -> None:
    for fault in FAULTS:
        owner = new_owner()
        standin.faults(fault, seconds=20)
        assert in_time(owner, "POST", "/account/billing/card").location == "/account/billing", fault
        standin.faults("ok")


@pytest.mark.parametrize("fault", ["500", "reset", "reset_after"])
def test_a_visit_begins_once_though_the_first_try_failed(
    new_owner: NewOwner, standin: StripeStandin, fault: str
) -> None:
    owner = new_owner()
    standin.clear_requests()
    standin.faults(fault, count=1, path_prefix="/v1/billing_portal/sessions")
    click = {"click": "a" * 22}
    first, second = (in_time(owner, "POST", "/account/billing/card", click) for _ in range(2))
    assert first.location == second.location, "a double click is one visit"
    assert first.location.startswith(standin.url)
    tries = writes(standin, "billing_portal/sessions")
    assert (len(tries), len({item["idempotency_key"] for item in tries})) == (3, 1)


@pytest.mark.parametrize("fault", ["500", "reset_after"])
def test_a_planned_end_is_taken_back_once_though_the_first_try_failed(
    new_owner: NewOwner, standin: StripeStandin, customer_id: str, fault: str
) -> None:
    owner, api = new_owner(), standin.client().v1
    plan = api.subscriptions.list({"customer": customer_id}).data[0]
    api.subscriptions.update(plan.id, {"cancel_at_period_end": True})
    standin.clear_requests()
    standin.faults(fault, count=1, path_prefix=f"/v1/subscriptions/{plan.id}")
    for _ in range(2):
        assert in_time(owner, "POST", "/account/billing/plan/keep").location == "/account/billing"
    assert not api.subscriptions.retrieve(plan.id).cancel_at_period_end
    assert len({item["idempotency_key"] for item in writes(standin, plan.id)}) == 1


@pytest.mark.parametrize("fault", ["500", "reset_after"])
def test_a_held_change_is_taken_back_once_though_the_first_try_failed(
    new_owner: NewOwner,
    standin: StripeStandin,
    customer_id: str,
    configuration: str,
    plans: dict[str, str],
    fault: str,
) -> None:
    hold_change(standin, configuration, customer_id, plans["small"])
    owner, api = new_owner(), standin.client().v1
    standin.clear_requests()
    standin.faults(fault, count=1, path_prefix="/v1/subscription_schedules")
    for _ in range(2):
        assert in_time(owner, "POST", "/account/billing/plan/release").location == "/account/billing"
    assert api.subscriptions.list({"customer": customer_id}).data[0].schedule is None
    tries = writes(standin, "subscription_schedules")
    assert (len(tries), len({item["idempotency_key"] for item in tries})) == (2, 1)


@pytest.mark.parametrize(("fault", "part"), [("500", ""), ("reset_after", "/tax_ids")])
def test_details_and_tax_ids_reach_stripe_once_though_a_whole_try_failed(
    app: Flask, new_owner: NewOwner, standin: StripeStandin, customer_id: str, fault: str, part: str
) -> None:
    owner, api = new_owner(), standin.client().v1
    delivery = {"billing_email": "money@acme.example", "purchase_order": "PO 7", "recipients": ""}
    number = {"country": "DE", "type": "eu_vat", "value": "DE136695976"}
    assert in_time(owner, "POST", "/account/billing/delivery", delivery).status_code == 303
    assert in_time(owner, "POST", "/account/billing/tax-ids/new", number).status_code == 303
    for mode in (fault, "ok", "ok"):
        standin.faults(mode, path_prefix=f"/v1/customers/{customer_id}{part}")
        with app.app_context():
            db.session.execute(update(OutboxMessage).values(next_attempt_at=utcnow()))
            db.session.commit()
            push_to_stripe(Work("worker"))
    customer = api.customers.retrieve(customer_id)
    assert customer.email == "money@acme.example"
    assert customer.invoice_settings is not None
    fields = customer.invoice_settings.custom_fields or []
    assert [(field.name, field.value) for field in fields] == [("PO number", "PO 7")]
    assert [item.value for item in api.customers.tax_ids.list(customer_id).data] == ["DE136695976"]
