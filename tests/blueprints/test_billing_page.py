"""The billing page after a visit to Stripe, for a class that may not do all, and once the account there is closed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from portal.audit.models import AuditEntry
from portal.company.models import BillingDetails, TaxId
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot, CustomerSnapshot, TaxIdSnapshot
from portal.stripe_mirror.sync import sync_customer, sync_everything
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import Feature
from tests.blueprints.web import Browser
from tests.factories import World
from tests.fakes import SUBSCRIPTION, FakeStripe
from tests.portal.stripe_portal.offers import HELD, STARTS
from tests.support.stripe_events import invoice_snapshot

Browse = Callable[[str | None], Browser]
BILLING = "/account/billing"
UNDO = {"keep": Feature.CANCEL, "release": Feature.SWITCH}
ENDING = replace(SUBSCRIPTION, cancel_at_period_end=True, ends_at=STARTS, held=HELD)
CLOSED = "Your billing account at Stripe is closed"
BERLIN = AddressSnapshot("Torstr. 1", "", "Berlin", "", "10119", "DE")
NUMBER = TaxIdSnapshot("txi_1", "eu_vat", "DE136695976", "DE", "pending")


def at_stripe(stripe: FakeStripe, **values: Any) -> None:
    stripe.customers["cus_acme"] = replace(stripe.customers["cus_acme"], **values)


def configure(app: Flask, allowed: set[Feature]) -> None:
    """What the class of Acme may do at Stripe."""
    features = {feature.value: {"enabled": feature in allowed} for feature in Feature}
    with app.app_context():
        db.session.add(StripeConfiguration(stripe_id="bpc_1", livemode=False, values={"features": features}))
        db.session.commit()


@pytest.mark.parametrize("verb", UNDO)
def test_who_may_not_plan_a_change_may_not_undo_what_staff_planned(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, verb: str
) -> None:
    configure(app, {Feature.CARD} | {feature for name, feature in UNDO.items() if name != verb})
    at_stripe(stripe, subscriptions=(ENDING,))
    owner = browse("owner@acme.example")
    page = owner.send("GET", BILLING).text
    assert [name for name in UNDO if f"{BILLING}/plan/{name}" in page] == [
        name for name in UNDO if name != verb
    ]
    for name in UNDO:
        status = owner.send("POST", f"{BILLING}/plan/{name}").status_code
        assert status == (409 if name == verb else 303)
    assert len(stripe.writes) == 1


@pytest.mark.parametrize("is_mirrored", [True, False])
def test_a_closed_account_is_said_and_nothing_is_offered(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, is_mirrored: bool
) -> None:
    """Seen in the mirror also while Stripe does not answer, and before its event has come."""
    with app.app_context():
        sync_customer("cus_acme")
    owner = browse("owner@acme.example")
    assert CLOSED not in owner.send("GET", BILLING).text
    stripe.customers["cus_acme"] = CustomerSnapshot("cus_acme", True, None, None, None, ())
    if is_mirrored:
        with app.app_context():
            sync_customer("cus_acme")
        stripe.is_down = True
    page = owner.send("GET", BILLING).text
    assert page.count(CLOSED) == 1
    for way in ("/card", "/home", "/plan"):
        assert f"{BILLING}{way}" not in page
    assert "No plan yet" not in page
    part = owner.send("GET", f"{BILLING}/card", HX_Request="true").text
    assert "Add a card" not in part
    ways = ["plan/cancel", "plan/switch", "plan/keep", "plan/release"]
    for way in [*ways, "card", "home"] if is_mirrored else ways:
        answer = owner.send("POST", f"{BILLING}/{way}")
        assert (answer.status_code, CLOSED in answer.text) == (409, True), way
    assert owner.send("GET", f"{BILLING}/plan").status_code == 409
    assert stripe.writes == []


def test_details_changed_at_stripe_show_at_once_and_nothing_is_written(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe
) -> None:
    old = replace(NUMBER, id="txi_0", value="DE811569869")
    with app.app_context():
        at_stripe(stripe, tax_ids=(old,))
        sync_customer("cus_acme")
    at_stripe(
        stripe,
        name="Acme Rocket",
        email="money@acme.example",
        address=BERLIN,
        purchase_order="PO 77",
        tax_ids=(NUMBER,),
    )
    with app.app_context():
        before = rows()
    page = browse("owner@acme.example").send("GET", BILLING).text
    for told in ("Acme Rocket", "money@acme.example", "Torstr. 1", "PO 77", NUMBER.value, "Being looked up"):
        assert told in page, told
    assert old.value not in page
    assert "/tax-ids/None" not in page
    with app.app_context():
        assert rows() == before


def rows() -> list[int | None]:
    """How much there is of what an event would write."""
    counts = (db.select(db.func.count()).select_from(kind) for kind in (AuditEntry, BillingDetails, TaxId))
    return [db.session.scalar(count) for count in counts]


def test_what_stripe_has_still_to_be_told_of_stays_on_the_page(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe
) -> None:
    with app.app_context():
        sync_customer("cus_acme")
    owner = browse("owner@acme.example")
    delivery = {"billing_email": "ours@acme.example", "purchase_order": "PO 1", "recipients": ""}
    assert owner.send("POST", f"{BILLING}/delivery", delivery).status_code == 303
    number = {"country": "DE", "type": "eu_vat", "value": NUMBER.value}
    assert owner.send("POST", f"{BILLING}/tax-ids/new", number).status_code == 303
    at_stripe(stripe, name="Acme Rocket", email="theirs@acme.example", purchase_order="PO 2")
    page = owner.send("GET", BILLING).text
    assert page.count(NUMBER.value) == 1
    assert "Acme Rocket" in page, "nobody has changed the name here"
    assert ("ours@acme.example" in page, "theirs@acme.example" in page) == (True, False)
    assert ("PO 1" in page, "PO 2" in page) == (True, False)


@pytest.mark.parametrize(
    ("attempts", "title"), [(None, "A payment did not go through"), (0, "An invoice is overdue")]
)
def test_only_an_invoice_that_was_never_charged_is_called_overdue(
    app: Flask, world: World, browse: Browse, stripe: FakeStripe, attempts: int | None, title: str
) -> None:
    """None: the plan is past due, and its invoice is not known here."""
    at_stripe(stripe, subscriptions=(replace(SUBSCRIPTION, status="past_due", latest_invoice_id="in_1"),))
    if attempts is not None:
        stripe.known_invoices["in_1"] = invoice_snapshot(attempts=attempts, next_attempt_at=None)
    with app.app_context():
        sync_everything("cus_acme")
    page = browse("owner@acme.example").send("GET", "/account/profile").text
    titles = ("A payment did not go through", "An invoice is overdue")
    assert [text for text in titles if text in page] == [title]
    assert ("was not paid in time" in page) == (attempts == 0)
