"""What is wrong with a payment: told by state, kept with the organization, and gone once Stripe says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.billing.overview import billing_overview
from portal.billing.payment_trouble import (
    FIRST_PAYMENT_WITHIN,
    PaymentState,
    PaymentTrouble,
    known_trouble,
    pay_address,
    payment_state,
)
from portal.context import Services
from portal.errors import ForbiddenError, UnavailableError
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.money import Money
from portal.permissions import Role
from portal.stripe_mirror.sync import sync_customer, sync_everything
from tests.conftest import make_settings
from tests.factories import World
from tests.fakes import SUBSCRIPTION, FakeStripe
from tests.support.stripe_events import invoice_snapshot

NEXT_TRY = datetime(2026, 12, 3, 9, tzinfo=UTC)
FAILED = {"attempts": 2, "next_attempt_at": NEXT_TRY, "payment_state": "requires_payment_method"}


def fail(stripe: FakeStripe, plan_status: str, **invoice: Any) -> None:
    """The plan's latest invoice waits for its money, and the mirror knows."""
    plan = replace(SUBSCRIPTION, status=plan_status, latest_invoice_id="in_1")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
    values = {**FAILED, "subscription_id": "sub_1", **invoice}
    stripe.known_invoices["in_1"] = invoice_snapshot(**values)
    sync_everything("cus_acme")


def acme(world: World) -> Organization:
    return db.session.get_one(Organization, world.acme.organization_id, populate_existing=True)


def known(world: World) -> PaymentTrouble | None:
    organization = acme(world)
    return known_trouble(organization.id, organization.payment_trouble)


@pytest.mark.parametrize(
    ("plans", "payments", "told"),
    [
        (["active", "trialing", "canceled", "incomplete_expired", "paused"], ["", "processing"], None),
        (["active", "past_due"], ["requires_payment_method"], "past_due"),
        (["past_due", "unpaid", "incomplete"], [], "unpaid"),
        (["incomplete"], [], "incomplete"),
        (["incomplete"], ["requires_action"], "requires_action"),
        (["unpaid"], ["requires_payment_method", "requires_action"], "requires_action"),
        ([], ["requires_action"], "requires_action"),
    ],
)
def test_the_gravest_state_is_told(plans: list[str], payments: list[str], told: str | None) -> None:
    assert payment_state(plans, payments) == told


def test_a_reading_of_stripe_keeps_the_state_with_the_organization(world: World, stripe: FakeStripe) -> None:
    fail(stripe, "past_due")
    assert acme(world).payment_trouble == "past_due"
    found = known(world)
    assert found is not None
    assert (found.state, found.number, found.due) == (PaymentState.PAST_DUE, "S-1", Money(11_900, "eur"))
    assert (found.attempts, found.next_attempt_at, found.attempts_left) == (2, NEXT_TRY, None)
    fail(stripe, "active", status="paid", due_minor=0)
    assert acme(world).payment_trouble is None


def test_the_number_of_tries_left_is_told_where_it_is_known(
    app: Flask, world: World, stripe: FakeStripe
) -> None:
    services: Services = app.extensions["portal"]
    services.settings = make_settings(services.settings.database_url, stripe_payment_attempts=5)
    for attempts, next_try, left in ((2, NEXT_TRY, 3), (5, NEXT_TRY, 1), (5, None, 0)):
        fail(stripe, "past_due", attempts=attempts, next_attempt_at=next_try)
        found = known(world)
        assert found is not None
        assert found.attempts_left == left


def test_an_incomplete_plan_lapses_after_23_hours(world: World, stripe: FakeStripe) -> None:
    fail(stripe, "incomplete")
    found = known(world)
    assert found is not None
    assert found.lapses_at == SUBSCRIPTION.created_at + FIRST_PAYMENT_WITHIN
    assert timedelta(hours=23) == FIRST_PAYMENT_WITHIN


def test_of_several_open_invoices_the_one_to_confirm_is_told(world: World, stripe: FakeStripe) -> None:
    newer = {"number": "S-2", "issued_at": datetime(2026, 11, 1, tzinfo=UTC)}
    stripe.known_invoices["in_2"] = invoice_snapshot(**{**FAILED, "id": "in_2", **newer})
    fail(stripe, "past_due")
    assert known(world).number == "S-2"  # type: ignore[union-attr]
    fail(stripe, "past_due", payment_state="requires_action")
    assert known(world).number == "S-1"  # type: ignore[union-attr]


@pytest.mark.parametrize("state", ["past_due", "unpaid", "incomplete"])
def test_the_billing_page_tells_what_stripe_says_now(world: World, stripe: FakeStripe, state: str) -> None:
    sync_customer("cus_acme")
    fail_unseen(stripe, state)
    found = billing_overview(acme(world)).trouble
    assert found is not None
    assert (found.state, found.due) == (state, Money(11_900, "eur"))
    fail(stripe, state)
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(SUBSCRIPTION,))
    assert billing_overview(acme(world)).trouble is None, "it was paid a moment ago"


def fail_unseen(stripe: FakeStripe, status: str) -> None:
    """It failed, and no event has come yet."""
    plan = replace(SUBSCRIPTION, status=status, latest_invoice_id="in_1")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
    stripe.known_invoices["in_1"] = invoice_snapshot(**FAILED)


def test_a_payment_to_confirm_is_told_until_stripe_has_it(world: World, stripe: FakeStripe) -> None:
    fail(stripe, "active", payment_state="requires_action")
    assert billing_overview(acme(world)).trouble == known(world)
    stripe.known_invoices["in_1"] = invoice_snapshot(status="paid", due_minor=0)
    assert billing_overview(acme(world)).trouble is None


def test_without_stripe_the_page_tells_what_was_known(world: World, stripe: FakeStripe) -> None:
    fail(stripe, "unpaid", next_attempt_at=None)
    stripe.is_down = True
    assert billing_overview(acme(world)).trouble == known(world) is not None


def test_the_way_to_pay_leads_to_the_open_invoice(world: World, stripe: FakeStripe) -> None:
    actor = world.acme.actor(Role.BILLING)
    assert pay_address(actor) is None, "nothing is due"
    fail_unseen(stripe, "past_due")
    assert pay_address(actor) == "https://invoice.stripe.com/i/1", "before any event has come"
    fail(stripe, "past_due", hosted_url="https://invoice.stripe.com/i/newer")
    stripe.is_down = True
    assert pay_address(actor) == "https://invoice.stripe.com/i/newer", "the last known one"
    stripe.is_down = False
    stripe.known_invoices["in_1"] = invoice_snapshot(status="paid", due_minor=0)
    assert pay_address(actor) is None, "it was paid a moment ago"


def test_who_may_not_pay_is_refused_and_silence_is_told(world: World, stripe: FakeStripe) -> None:
    with pytest.raises(ForbiddenError):
        pay_address(world.acme.actor(Role.MEMBER))
    assert stripe.reads == []
    stripe.is_down = True
    with pytest.raises(UnavailableError):
        pay_address(world.acme.actor())
    assert pay_address(world.globex.actor()) is None
