"""What the billing screen opens with: Stripe's present truth, or what was known where Stripe is silent."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.billing import overview
from portal.billing.overview import BillingOverview, billing_overview
from portal.errors import NotFoundError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError
from portal.identity.models import Organization
from portal.kit.money import Money
from portal.stripe_mirror.sync import sync_customer
from tests.factories import World
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.portal.stripe_portal.offers import charge


def found(world: World) -> BillingOverview:
    return billing_overview(db.session.get_one(Organization, world.acme.organization_id))


def test_the_overview_shows_stripes_truth_and_writes_nothing(world: World, stripe: FakeStripe) -> None:
    stripe.next_charge = charge(17_000)
    seen = found(world)
    assert (seen.is_live, seen.card, seen.price) == (True, CARD, Money(15_900, "usd"))
    assert (seen.next_charge, seen.is_charge_known) == (stripe.next_charge, True)
    assert not db.session.dirty
    assert not db.session.new
    assert stripe.writes == []


def test_without_stripe_the_overview_shows_what_was_known(world: World, stripe: FakeStripe) -> None:
    sync_customer("cus_acme")
    stripe.is_down = True
    seen = found(world)
    assert (seen.has_stripe, seen.is_live, seen.card) == (True, False, CARD)
    assert seen.subscription is not None
    assert seen.subscription.plan_name == "Pro"
    assert seen.known_at is not None
    assert (seen.next_charge, seen.is_charge_known) == (None, False)


@pytest.mark.parametrize("failure", [StripeUnavailableError(), NotFoundError()])
def test_a_silent_preview_costs_only_the_next_charge(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_args: object, **_more: object) -> Any:
        raise failure

    monkeypatch.setattr(stripe, "preview_next", fail)
    seen = found(world)
    assert (seen.is_live, seen.card, seen.is_charge_known) == (True, CARD, False)


def test_the_newest_running_plan_is_the_one_and_others_are_named(world: World, stripe: FakeStripe) -> None:
    older = replace(SUBSCRIPTION, id="sub_0", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    ended = replace(SUBSCRIPTION, id="sub_2", status="canceled", created_at=datetime(2026, 6, 1, tzinfo=UTC))
    plans = (older, ended, SUBSCRIPTION)
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=plans)
    seen = found(world)
    assert (seen.subscription, seen.others) == (SUBSCRIPTION, (older,))


@pytest.mark.parametrize(
    ("today", "expired", "expiring"),
    [
        (datetime(2030, 7, 2, tzinfo=UTC), False, False),
        (datetime(2030, 7, 3, tzinfo=UTC), False, True),
        (datetime(2030, 8, 31, 23, 59, tzinfo=UTC), False, True),
        (datetime(2030, 9, 1, tzinfo=UTC), True, False),
    ],
    ids=["more than 60 days", "60 days", "its last minute", "over"],
)
def test_a_card_is_good_to_the_end_of_its_month(
    world: World,
    stripe: FakeStripe,
    monkeypatch: pytest.MonkeyPatch,
    today: datetime,
    expired: bool,
    expiring: bool,
) -> None:
    seen = found(world)
    monkeypatch.setattr(overview, "utcnow", lambda: today)
    assert (seen.has_card_expired, seen.is_card_expiring) == (expired, expiring)
    bank = replace(seen, card=replace(CARD, exp_month=None, exp_year=None))
    assert (bank.has_card_expired, bank.is_card_expiring) == (False, False)
