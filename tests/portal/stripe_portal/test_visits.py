"""Visits to Stripe's portal: where they lead, for whom, once, and that their address is kept nowhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from portal.actor import Actor
from portal.audit.models import AuditEntry
from portal.billing.plans import NoPlanError
from portal.contracts.service import ContractPlanError
from portal.errors import ForbiddenError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError
from portal.gateways.stripe_objects import CancelPlan, ChangeCard, Home, PortalFlow, SwitchPlan
from portal.kit.clock import utcnow
from portal.permissions import Role
from portal.stripe_portal import visits
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.visits import (
    Click,
    NoStripeCustomerError,
    open_cancel_page,
    open_card_page,
    open_home_page,
    open_switch_page,
)
from tests.factories import World, make_contract
from tests.fakes import FakeStripe

Open = Callable[[Actor, Click], str]
PAGES: list[tuple[Open, PortalFlow, str]] = [
    (open_card_page, ChangeCard(), "billing:card-page:opened"),
    (open_home_page, Home(), "billing:home-page:opened"),
    (open_cancel_page, CancelPlan("sub_1"), "billing:cancel-page:opened"),
    (open_switch_page, SwitchPlan("sub_1"), "billing:switch-page:opened"),
]
CLICK = Click("a" * 22, "de")


@pytest.fixture
def engine_name() -> str:
    """These rules are not about the database: one engine is enough."""
    return "sqlite"


def visit(open_page: Open, actor: Actor, click: Click = CLICK) -> str:
    """One request of its own."""
    url = open_page(actor, click)
    db.session.commit()
    return url


def actions() -> list[str]:
    return list(db.session.scalars(db.select(AuditEntry.action).order_by(AuditEntry.position)))


@pytest.mark.parametrize(("open_page", "flow", "action"), PAGES)
def test_each_page_leads_back_speaks_the_language_and_is_put_down(
    world: World, stripe: FakeStripe, open_page: Open, flow: PortalFlow, action: str
) -> None:
    db.session.add(StripeConfiguration(stripe_id="bpc_ours", livemode=False))
    db.session.commit()
    url = visit(open_page, world.acme.actor(Role.BILLING))
    call, _, values = stripe.writes[-1]
    assert (call, values["flow"]) == ("open_portal", flow)
    assert values["return_url"] == "http://localhost/account/billing?from=stripe"
    assert (values["configuration"], values["locale"]) == ("bpc_ours", "de")
    assert actions() == [action]
    stored = [
        vars(row) for kind in (AuditEntry, StripeConfiguration) for row in db.session.scalars(db.select(kind))
    ]
    assert url not in str(stored)


@pytest.mark.parametrize(("open_page", "_flow", "_action"), PAGES)
@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_may_not_manage_billing_opens_nothing(
    world: World, stripe: FakeStripe, role: Role, open_page: Open, _flow: PortalFlow, _action: str
) -> None:
    with pytest.raises(ForbiddenError):
        open_page(world.acme.actor(role), CLICK)
    assert stripe.reads == []


def test_a_double_click_is_one_visit_and_anything_else_another(world: World, stripe: FakeStripe) -> None:
    owner, billing = world.acme.actor(), world.acme.actor(Role.BILLING)
    assert visit(open_card_page, owner) == visit(open_card_page, owner)
    assert (len(stripe.opened), len(actions())) == (1, 1)
    visit(open_card_page, owner, Click("b" * 22))
    visit(open_card_page, billing)
    visit(open_cancel_page, owner)
    assert (len(stripe.opened), len(actions())) == (4, 4)
    assert all(len(key) <= 255 for _, key, _ in stripe.writes)


@pytest.mark.parametrize("between", [False, True])
def test_a_page_that_stays_open_leads_to_a_new_visit(
    world: World, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch, between: bool
) -> None:
    """Stripe answers a used key with the old address, which is dead after 5 minutes. Also after another visit."""
    owner, started = world.acme.actor(), utcnow().replace(second=59, microsecond=0)
    for seconds, opened in ((0, 1), (2, 1), (70, 2), (100, 2), (200, 3)):
        monkeypatch.setattr(visits, "utcnow", lambda now=started + timedelta(seconds=seconds): now)
        visit(open_card_page, owner)
        assert stripe.flows.count(ChangeCard()) == opened, seconds
        if between and seconds in (2, 100):
            visit(open_home_page, owner)
    assert actions().count("billing:card-page:opened") == 3


def test_a_dead_stripe_leaves_no_trace(world: World, stripe: FakeStripe) -> None:
    stripe.is_down = True
    for open_page, *_ in PAGES:
        with pytest.raises(StripeUnavailableError):
            open_page(world.acme.actor(), CLICK)
    assert actions() == []


def test_by_contract_the_card_alone_can_be_changed_at_stripe(world: World, stripe: FakeStripe) -> None:
    make_contract(world.acme.organization_id)
    assert open_card_page(world.acme.actor(), CLICK).startswith("https://billing.stripe.com/")
    for open_page in (open_home_page, open_cancel_page, open_switch_page):
        with pytest.raises(ContractPlanError):
            open_page(world.acme.actor(), CLICK)
    assert len(stripe.opened) == 1


def test_without_a_customer_or_a_plan_there_is_nothing_to_open(world: World, stripe: FakeStripe) -> None:
    with pytest.raises(NoStripeCustomerError):
        open_card_page(world.globex.actor(), CLICK)
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=())
    with pytest.raises(NoPlanError):
        open_cancel_page(world.acme.actor(), CLICK)
    assert stripe.opened == []
