"""What the billing pages say where something is not to be had: refusals, unpaid plans, overdue invoices."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.company.models import TaxIdStatus
from portal.company.tax_ids import add_tax_id
from portal.extensions import db
from portal.identity.models import Organization
from portal.invoices.models import Invoice
from portal.kit.clock import utcnow
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import Feature
from tests.blueprints.things import Things
from tests.blueprints.web import Browser
from tests.factories import World, make_contract
from tests.fakes import FakeStripe
from tests.portal.stripe_portal.offers import PRO, charge, offer_plans

Browse = Callable[[str | None], Browser]
HTMX: dict[str, Any] = {"HX_Request": "true"}
BILLING = "/account/billing"
FOCUSABLE = re.compile(r"<(?:a|button|summary|select|textarea|input(?! type=\"hidden\"))\b[^>]*>")


def test_what_asks_again_and_again_keeps_the_focus_where_it_is(
    app: Flask, acme: Things, world: World, browse: Browse
) -> None:
    """Htmx gives the focus back to what has the same id after a swap."""
    with app.app_context():
        made = add_tax_id(world.acme.actor(), "FR", "eu_vat", "FR83404833048")
        made.status, made.attempts = TaxIdStatus.PENDING, 1
        db.session.commit()
    owner = browse("owner@acme.example")
    for part in ("tax-ids", "card"):
        found = FOCUSABLE.findall(owner.send("GET", f"{BILLING}/{part}", **HTMX).text)
        ids = [re.search(r' id="([^"]+)"', tag) for tag in found]
        assert len(found) >= 2
        assert all(ids), found
        assert len({match[1] for match in ids if match}) == len(ids)


@pytest.mark.parametrize(("status", "is_charged"), [("active", True), ("past_due", True), ("unpaid", False)])
def test_an_unpaid_plan_promises_no_charge(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, status: str, is_charged: bool
) -> None:
    with app.app_context():
        offer_plans(stripe, replace(PRO, status=status))
    stripe.next_charge = charge(12_345)
    page = browse("owner@acme.example").send("GET", BILLING).text
    assert ("$123.45" in page) is is_charged
    assert ("<dt>Renews</dt>" in page) is is_charged
    assert ("until the open invoice is paid" in page) is not is_charged


def test_a_contracts_overdue_invoice_is_told_on_billing(
    app: Flask, world: World, globex: Things, browse: Browse
) -> None:
    with app.app_context():
        make_contract(globex.organization_id)
    path = f"/account/invoices/{globex.invoice_id}"
    for days, said in ((-2, True), (2, False)):
        with app.app_context():
            invoice = db.session.get_one(Invoice, globex.invoice_id)
            invoice.due_at = utcnow() + timedelta(days=days)
            db.session.commit()
        banner = browse("owner@globex.example").send("GET", BILLING).text.partition('class="stats"')[0]
        assert ("is overdue" in banner) is said
        assert (f'href="{path}"' in banner) is said
        assert "is overdue" not in browse("owner@acme.example").send("GET", BILLING).text


def test_a_refusal_is_headed_with_what_it_is(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe
) -> None:
    with app.app_context():
        make_contract(world.globex.organization_id)
    page = browse("owner@globex.example").send("GET", f"{BILLING}/plan").text
    assert "<h1>Set by your contract</h1>" in page
    assert f'href="{BILLING}">Back to billing' in page
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], subscriptions=())
    page = browse("owner@acme.example").send("GET", f"{BILLING}/plan").text
    assert "<h1>This changed in the meantime</h1>" in page


@pytest.mark.parametrize(
    ("off", "said"),
    [
        ({Feature.SWITCH, Feature.CANCEL}, "To change or end the plan, write to"),
        ({Feature.CANCEL}, "To end the plan, write to"),
        ({Feature.SWITCH}, "To change the plan, write to"),
        (set(), ""),
    ],
)
def test_who_may_not_change_the_plan_here_is_told_how(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, off: set[Feature], said: str
) -> None:
    features = {feature.value: {"enabled": feature not in off, "products": []} for feature in Feature}
    with app.app_context():
        db.session.add(StripeConfiguration(stripe_id="bpc_1", livemode=False, values={"features": features}))
        db.session.commit()
    page = browse("owner@acme.example").send("GET", BILLING).text
    assert said in page
    assert ("the plan, write to" in page) is bool(said)
    choice = browse("owner@acme.example").send("GET", f"{BILLING}/plan").text
    assert "No other plan" in choice
    assert "See what another plan costs" not in choice


def visit_begun(app: Flask, world: World, begun_at: datetime | None) -> None:
    with app.app_context():
        organization = db.session.get_one(Organization, world.acme.organization_id)
        organization.stripe_visited_at = begun_at
        db.session.commit()


def test_the_way_back_from_stripe_is_told_once_it_was_one(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe
) -> None:
    owner, back = browse("owner@acme.example"), f"{BILLING}?from=stripe"
    told = "You are back from Stripe"
    assert told not in owner.send("GET", back).text
    visit_begun(app, world, utcnow() - timedelta(hours=1))
    assert told not in owner.send("GET", back).text
    visit_begun(app, world, utcnow() - timedelta(minutes=3))
    assert told in owner.send("GET", back).text
    assert told not in owner.send("GET", BILLING).text
    stripe.is_down = True
    assert told not in owner.send("GET", back).text, "it is not what Stripe says now"
