"""Switching the plan: what is offered, what it would cost, what Stripe is asked for, and what is taken back."""

from dataclasses import replace
from typing import Any

import pytest

from portal.audit.models import AuditEntry
from portal.billing.plans import PlanNotSwitchableError
from portal.billing.switching import (
    SwitchPreview,
    choose,
    keep_plan,
    open_switch_confirmation,
    plan_choice,
    preview_switch,
    release_held_change,
)
from portal.contracts.service import ContractPlanError
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.gateways.stripe_objects import ConfirmSwitch
from portal.kit.money import Money
from portal.permissions import Role
from portal.stripe_portal.visits import Click
from portal.team.invitations import invite_member
from tests.factories import World, make_contract
from tests.fakes import FakeStripe
from tests.portal.stripe_portal.offers import HELD, PRO, STARTS, offer_plans

CLICK = Click("c" * 22, "fr")


@pytest.fixture
def engine_name() -> str:
    """These rules are not about the database: one engine is enough."""
    return "sqlite"


def preview(world: World, price_id: str, seats: int | None = None) -> SwitchPreview:
    actor = world.acme.actor(Role.BILLING)
    choice = plan_choice(actor)
    return preview_switch(actor, choice, choose(choice, price_id, seats))


def log() -> list[AuditEntry]:
    return list(db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.position)))


def test_the_classs_plans_are_offered_for_as_many_seats_as_now(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe)
    offers = plan_choice(world.acme.actor()).offers
    assert [(offer.price.id, offer.seats, offer.cost, offer.is_present) for offer in offers] == [
        ("price_pro", 5, Money(10_000, "usd"), True),
        ("price_pro_year", 5, Money(100_000, "usd"), False),
        ("price_team", 5, Money(20_000, "usd"), False),
        ("price_starter", 5, Money(5_000, "usd"), False),
    ], "none in another currency"


@pytest.mark.parametrize(
    ("price_id", "rules", "due_now", "starts_at", "has_charge"),
    [
        ("price_team", {}, 0, None, True),
        ("price_team", {"proration_behavior": "always_invoice"}, 25_000, None, True),
        ("price_pro_year", {}, 95_000, None, True),
        ("price_starter", {}, 0, STARTS, False),
    ],
    ids=["with the next charge", "charged at once", "another interval", "held to the period's end"],
)
def test_a_switch_is_shown_before_it_is_confirmed(
    world: World,
    stripe: FakeStripe,
    price_id: str,
    rules: dict[str, Any],
    due_now: int,
    starts_at: Any,
    has_charge: bool,
) -> None:
    offer_plans(stripe, **rules)
    found = preview(world, price_id)
    assert (found.due_now, found.starts_at) == (Money(due_now, "usd"), starts_at)
    assert (found.charge is not None) is has_charge
    assert stripe.writes == []


def test_seats_can_be_changed_within_bounds_where_the_portal_lets_them(
    world: World, stripe: FakeStripe
) -> None:
    offer_plans(stripe)
    more = preview(world, "price_pro", 8)
    assert (more.offer.seats, more.offer.cost) == (8, Money(16_000, "usd"))
    assert preview(world, "price_starter", 8).offer.seats == 5, "not to be chosen there"
    for seats in (0, 51):
        with pytest.raises(InvalidInputError, match="from 1 to 50") as refusal:
            preview(world, "price_team", seats)
        assert refusal.value.field == "seats"


@pytest.mark.parametrize("price_id", ["price_pro", "price_euro", "price_of_somebody_else", ""])
def test_nothing_else_can_be_chosen(world: World, stripe: FakeStripe, price_id: str) -> None:
    offer_plans(stripe)
    with pytest.raises(InvalidInputError) as refusal:
        open_switch_confirmation(world.acme.actor(), CLICK, price_id, None)
    assert (refusal.value.field, stripe.opened, log()) == ("price", [], [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_count": 2}, "several parts"),
        ({"held": HELD}, "planned already"),
        ({"ends_at": STARTS}, "about to end"),
        ({"status": "past_due"}, "payment is open"),
    ],
)
def test_what_stripe_would_not_switch_is_refused_with_the_way_out(
    world: World, stripe: FakeStripe, change: dict[str, Any], said: str
) -> None:
    offer_plans(stripe, replace(PRO, **change))
    with pytest.raises(PlanNotSwitchableError, match=said):
        open_switch_confirmation(world.acme.actor(), CLICK, "price_team", None)
    assert stripe.opened == []


def test_the_chosen_plan_is_confirmed_at_stripe(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe)
    actor = world.acme.actor(Role.BILLING)
    for seats in (7, 7, 8):
        open_switch_confirmation(actor, CLICK, "price_team", seats)
        db.session.commit()
    assert stripe.flows == [ConfirmSwitch("sub_1", "si_1", "price_team", seats) for seats in (7, 8)]
    assert [row.action for row in log()] == ["billing:switch-page:opened"] * 2


def test_a_planned_end_is_taken_back_once(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe, replace(PRO, ends_at=STARTS, cancel_at_period_end=True))
    for _ in range(2):
        keep_plan(world.acme.actor(Role.BILLING), CLICK)
        db.session.commit()
    assert stripe.customers["cus_acme"].subscriptions == (PRO,)
    assert [(row.action, row.entity_name) for row in log()] == [("billing:plan:kept", "Pro")]


def test_a_held_change_is_taken_back_once(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe, replace(PRO, held=HELD))
    for _ in range(2):
        release_held_change(world.acme.actor(), CLICK)
        db.session.commit()
    assert [call for call, *_ in stripe.writes] == ["release_schedule"]
    [row] = log()
    assert (row.action, row.before, row.after) == (
        "billing:held-change:released",
        {"held_plan_name": "Starter"},
        {"held_plan_name": None},
    )


def test_by_contract_nothing_of_this_is_open(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe, replace(PRO, held=HELD, ends_at=STARTS))
    make_contract(world.acme.organization_id)
    actor = world.acme.actor()
    for verb in (
        lambda: plan_choice(actor),
        lambda: open_switch_confirmation(actor, CLICK, "price_team", None),
        lambda: keep_plan(actor, CLICK),
        lambda: release_held_change(actor, CLICK),
    ):
        with pytest.raises(ContractPlanError):
            verb()
    assert (stripe.reads, log()) == ([], [])


def test_nobody_chooses_fewer_seats_than_are_in_use(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe, replace(PRO, seats=8))
    actor = world.acme.actor()
    for name in ("first", "second"):
        invite_member(actor, f"{name}@guest.example", Role.VIEWER)
    db.session.commit()
    for switch in (
        lambda: preview(world, "price_team", 6),
        lambda: open_switch_confirmation(actor, CLICK, "price_team", 6),
    ):
        with pytest.raises(InvalidInputError, match="needs 7 seats") as refusal:
            switch()
        assert refusal.value.field == "seats"
    assert stripe.opened == []
    assert preview(world, "price_team", 7).offer.seats == 7


def test_a_plan_that_is_too_small_already_can_still_be_switched(world: World, stripe: FakeStripe) -> None:
    offer_plans(stripe, replace(PRO, seats=3))
    assert preview(world, "price_team", 3).offer.seats == 3
    with pytest.raises(InvalidInputError, match="needs 5 seats"):
        preview(world, "price_team", 2)
