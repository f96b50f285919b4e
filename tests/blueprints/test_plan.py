"""The plan's pages, the ways to Stripe, and the banner of a payment that did not go through."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from portal.extensions import db
from portal.gateways.stripe_objects import ChangeCard, ConfirmSwitch
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.stripe_mirror.sync import sync_everything
from tests.blueprints.web import Browser
from tests.factories import World, make_contract
from tests.fakes import CARD, SUBSCRIPTION, FakeStripe
from tests.portal.stripe_portal.offers import HELD, PRO, STARTS, charge, offer_plans
from tests.support.stripe_events import invoice_snapshot
from tests.visitor import Visitor

Browse = Callable[[str | None], Browser]
HTMX: dict[str, Any] = {"HX_Request": "true"}
PLAIN: dict[str, Any] = {}
AT_STRIPE = "https://billing.stripe.com/p/session/cus_acme"
PLAN = "/account/billing/plan"
CHANGING = [f"{PLAN}/{verb}" for verb in ("confirm", "switch", "cancel", "keep", "release")]
SCREENS = (
    "billing",
    "team",
    "usage",
    "invoices",
    "api-keys",
    "activity",
    "profile",
    "notifications",
    "security",
)
TITLES = {
    "requires_action": "Your bank asks you to confirm a payment",
    "past_due": "A payment did not go through",
    "unpaid": "Your plan is unpaid",
    "incomplete": "The first payment is not complete",
}


@pytest.fixture
def offered(app: Flask, world: World, stripe: FakeStripe) -> FakeStripe:
    """Acme on Pro, which may switch."""
    with app.app_context():
        offer_plans(stripe)
    return stripe


def fail(app: Flask, stripe: FakeStripe, state: str, **invoice: Any) -> None:
    """A payment of Acme's fails, and the mirror knows."""
    status = "past_due" if state == "requires_action" else state
    plan = replace(SUBSCRIPTION, status=status, latest_invoice_id="in_1")
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=(plan,))
    values = {"attempts": 2, "next_attempt_at": STARTS, "payment_state": state, **invoice}
    stripe.known_invoices["in_1"] = invoice_snapshot(**values)
    with app.app_context():
        sync_everything("cus_acme")


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note := lambda *given: asked.append(given[2]))
    yield asked
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("state", TITLES)
def test_a_failed_payment_is_told_on_every_screen_to_those_who_can_act(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, state: str
) -> None:
    fail(app, stripe, state)
    owner, member = browse("owner@acme.example"), browse("member@acme.example")
    for screen in SCREENS:
        page = owner.send("GET", f"/account/{screen}").text
        assert page.count(TITLES[state]) == 1, screen
        assert 'href="/account/billing/pay"' in page, screen
        assert "invoice.stripe.com" not in page or screen == "invoices", screen
    for screen in ("usage", "profile"):
        assert "payment-trouble" not in member.send("GET", f"/account/{screen}").text
        assert "payment-trouble" not in browse("owner@globex.example").send("GET", f"/account/{screen}").text
    assert "€119.00 for invoice S-1" in page


def test_the_way_to_pay_leads_to_stripe(app: Flask, world: World, browse: Browse, stripe: FakeStripe) -> None:
    billing = browse("billing@acme.example")
    assert billing.send("GET", "/account/billing/pay").location == "/account/billing", "nothing is due"
    fail(app, stripe, "past_due")
    assert billing.send("GET", "/account/billing/pay").location == "https://invoice.stripe.com/i/1"
    assert browse("member@acme.example").send("GET", "/account/billing/pay").status_code == 403


def test_the_banner_costs_nothing_where_nothing_is_wrong(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe
) -> None:
    owner = browse("owner@acme.example")
    owner.send("GET", "/account/profile")
    with statements(app) as well:
        owner.send("GET", "/account/profile")
    fail(app, stripe, "past_due")
    with statements(app) as failed:
        owner.send("GET", "/account/profile")
    assert [text for text in well if "subscriptions" in text or "FROM invoices" in text] == []
    assert len(failed) == len(well) + 2


def test_billing_opens_with_plan_next_charge_and_card(
    world: World, browse: Browse, offered: FakeStripe
) -> None:
    offered.next_charge = charge(12_345)
    plan = replace(PRO, discount="20% off", trial_ends_at=STARTS, held=HELD)
    offered.customers["cus_acme"] = replace(offered.customers["cus_acme"], subscriptions=(plan,))
    page = browse("owner@acme.example").send("GET", "/account/billing").text
    for told in (
        *("Pro", "5 seats", "$100.00 a month", "20% off", "Free until January 1, 2027", "$123.45"),
        *("5 seats of Team", "Unused time on Pro", "-$76.55", "Visa 4242", "expires 08/2030"),
        "On January 1, 2027 it becomes Starter, 5 seats, $50.00 a month",
    ):
        assert told in page, told


@pytest.mark.parametrize(
    ("days", "said"), [(-40, "Your card has expired"), (20, "Your card expires soon"), (100, "")]
)
def test_a_card_that_ends_is_told(
    world: World, browse: Browse, stripe: FakeStripe, days: int, said: str
) -> None:
    ends = utcnow() + timedelta(days=days)
    card = replace(CARD, exp_month=ends.month, exp_year=ends.year)
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], card=card)
    page = browse("owner@acme.example").send("GET", "/account/billing").text
    assert [text for text in ("Your card has expired", "Your card expires soon") if text in page] == [
        said
    ] * bool(said)


def test_what_a_body_says_of_the_customer_is_ignored(
    world: World, browse: Browse, stripe: FakeStripe
) -> None:
    forged = {
        "customer": "cus_globex",
        "configuration": "bpc_theirs",
        "return_url": "https://evil.example",
        "subscription": "sub_theirs",
        "click": "../../etc",
    }
    owner = browse("owner@acme.example")
    assert owner.send("POST", "/account/billing/card", forged).location == AT_STRIPE
    [(_, key, values)] = stripe.writes
    assert (values["flow"], values["configuration"]) == (ChangeCard(), None)
    assert values["return_url"] == "http://localhost/account/billing?from=stripe"
    assert "etc" not in key


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr-CA, en", "fr-CA"),
        ("xx, pt-BR;q=0.4", "pt-BR"),
        ("tlh, en;q=0", "auto"),
        ("*", "auto"),
        ("", "auto"),
    ],
)
def test_stripe_speaks_the_visitors_language(
    world: World, browse: Browse, stripe: FakeStripe, asked: str, spoken: str
) -> None:
    browse("owner@acme.example").send("POST", "/account/billing/card", Accept_Language=asked)
    assert stripe.writes[0][2]["locale"] == spoken


def test_a_form_that_is_sent_twice_opens_stripe_once(
    world: World, browse: Browse, stripe: FakeStripe
) -> None:
    owner = browse("owner@acme.example")
    page = owner.send("GET", "/account/billing").text
    click = page.partition('name="click" value="')[2][:22]
    sent = [owner.send("POST", "/account/billing/card", {"click": click}).location for _ in range(2)]
    assert sent == [AT_STRIPE] * 2
    assert len(stripe.opened) == 1
    owner.send("POST", "/account/billing/card")
    owner.send("POST", "/account/billing/card")
    assert len(stripe.opened) == 3, "without a token nothing is taken for the same"


def test_a_plan_is_chosen_seen_and_confirmed(world: World, browse: Browse, offered: FakeStripe) -> None:
    billing = browse("billing@acme.example")
    assert "Show the costs" in billing.send("GET", PLAN).text
    page = billing.send("GET", f"{PLAN}?price=price_team&seats=5").text
    part = billing.send("GET", f"{PLAN}?price=price_team&seats=5", **HTMX).text
    for told in ("$250.00", "Unused time on Pro", "After that $200.00 a month", "Continue at Stripe"):
        assert told in page
        assert told in part
    assert "<html" in page
    assert "<html" not in part
    chosen = {"price": "price_team", "seats": "5"}
    assert billing.send("POST", f"{PLAN}/confirm", chosen).location == AT_STRIPE
    assert billing.send("POST", f"{PLAN}/confirm", chosen, **HTMX).headers["HX-Redirect"] == AT_STRIPE
    assert offered.flows[0] == ConfirmSwitch("sub_1", "si_1", "price_team", 5)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"price": "price_of_somebody_else", "seats": "5"}, "Choose one of these plans."),
        ({"price": "price_team", "seats": "51"}, "Write a number from 1 to 50."),
        ({"price": "price_team", "seats": "many"}, "Not a valid integer value."),
        ({"price": "", "seats": "5"}, "Choose a plan."),
    ],
)
def test_a_refused_choice_says_why_and_opens_nothing(
    world: World, browse: Browse, offered: FakeStripe, chosen: dict[str, str], said: str
) -> None:
    owner = browse("owner@acme.example")
    query = "&".join(f"{name}={value}" for name, value in chosen.items())
    for headers in (PLAIN, HTMX):
        for answer in (
            owner.send("GET", f"{PLAN}?{query}", **headers),
            owner.send("POST", f"{PLAN}/confirm", chosen, **headers),
        ):
            assert answer.status_code == 422
            assert said in answer.text
    assert offered.opened == []


@pytest.mark.parametrize("path", [*CHANGING, "/account/billing/home"])
def test_by_contract_every_way_to_another_plan_is_closed(
    app: Flask, world: World, browse: Browse, offered: FakeStripe, path: str
) -> None:
    with app.app_context():
        make_contract(world.acme.organization_id)
    owner = browse("owner@acme.example")
    answer = owner.send("POST", path, {"price": "price_team"})
    assert answer.status_code == 409
    assert "Your plan is set by your contract" in answer.text
    assert owner.send("GET", PLAN).status_code == 409
    page = owner.send("GET", "/account/billing").text
    assert PLAN not in page
    assert "/account/billing/home" not in page
    assert (offered.opened, offered.writes) == ([], [])


def test_every_route_of_the_plan_is_among_those(app: Flask) -> None:
    found = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PLAN) and "POST" in (rule.methods or ())
    }
    assert found == set(CHANGING)


def test_without_stripe_each_way_leads_back_with_the_reason(
    world: World, browse: Browse, offered: FakeStripe
) -> None:
    offered.is_down = True
    owner = browse("owner@acme.example")
    for path in (*CHANGING, "/account/billing/home", "/account/billing/card"):
        assert owner.send("POST", path, {"price": "price_team"}).location == "/account/billing", path
    for path in (PLAN, f"{PLAN}?price=price_team", "/account/billing/pay"):
        assert owner.send("GET", path).location == "/account/billing", path


def test_a_class_that_is_not_set_up_is_told_so(
    app: Flask, world: World, visit: Callable[..., Visitor], offered: FakeStripe
) -> None:
    with app.app_context():
        db.session.get_one(Organization, world.acme.organization_id).customer_class = "managed"
        db.session.commit()
    owner = visit("owner@acme.example")
    assert owner.post("/account/billing/card").location == "/account/billing"
    assert "Stripe&#39;s pages are not set up" in owner.get("/account/billing").text
