"""A lead puts an organization into a class of customer, and says why."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import Organization
from portal.stripe_portal.models import StripeConfiguration
from portal.stripe_portal.queries import Feature
from tests.blueprints.things import REASON, make_customer_class
from tests.blueprints.web import Browser
from tests.factories import World
from tests.fakes import FakeStripe

Browse = Callable[[str | None], Browser]


@pytest.fixture
def path(app: Flask, world: World) -> str:
    """Where the class of Acme is changed."""
    with app.app_context():
        make_customer_class()
        db.session.commit()
    return f"/admin/organizations/{world.acme.organization_id}/class"


def class_of(app: Flask, world: World) -> str:
    with app.app_context():
        return db.session.get_one(Organization, world.acme.organization_id).customer_class


@pytest.mark.parametrize("headers", [{}, {"HX_Request": "true"}])
def test_a_lead_changes_the_class_and_the_customer_reads_why(
    app: Flask, browse: Browse, world: World, path: str, headers: dict[str, Any]
) -> None:
    lead = browse(world.lead_email)
    question = lead.send("GET", path, **headers).text
    assert '<option selected value="standard">Standard</option>' in question
    assert '<option value="managed">Managed</option>' in question
    answer = lead.send("POST", path, {"customer_class": "managed", "reason": REASON}, **headers)
    assert answer.headers.get("HX-Redirect") or answer.status_code == 303
    assert class_of(app, world) == "managed"
    with app.app_context():
        statement = select(AuditEntry).where(AuditEntry.action == "organization:class:changed")
        (row,) = db.session.scalars(statement)
    assert (row.chain, row.reason) == (world.acme.organization_id, REASON)
    assert (row.before, row.after) == ({"customer_class": "standard"}, {"customer_class": "managed"})
    assert f'href="{path}"' in (page := lead.send("GET", path.removesuffix("/class")).text)
    assert "<dd>Managed</dd>" in page


def test_support_may_not(app: Flask, browse: Browse, world: World, path: str) -> None:
    support = browse(world.support_email)
    assert path not in support.send("GET", path.removesuffix("/class")).text
    for method in ("GET", "POST"):
        assert support.send(method, path, {"customer_class": "managed", "reason": REASON}).status_code == 403
    assert class_of(app, world) == "standard"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"customer_class": "managed", "reason": "no"}, "reason-error"),
        ({"customer_class": "partners", "reason": REASON}, "customer_class-error"),
        ({"reason": REASON}, "customer_class-error"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    app: Flask, browse: Browse, world: World, path: str, values: dict[str, str], named: str
) -> None:
    answer = browse(world.lead_email).send("POST", path, values)
    assert (answer.status_code, f'id="{named}"' in answer.text) == (422, True)
    assert class_of(app, world) == "standard"


def test_a_class_that_is_not_at_stripe_is_refused(
    app: Flask, browse: Browse, world: World, path: str
) -> None:
    with app.app_context():
        db.session.execute(delete(StripeConfiguration))
        db.session.commit()
    answer = browse(world.lead_email).send("POST", path, {"customer_class": "managed", "reason": REASON})
    assert "Run flask stripe configure first." in answer.text
    assert class_of(app, world) == "standard"


def test_what_the_class_may_not_do_has_no_button_and_no_way(
    app: Flask, browse: Browse, world: World, stripe: FakeStripe
) -> None:
    """Sent by hand, the form is refused before Stripe is asked."""
    off = {"enabled": False}
    features = {feature.value: off for feature in Feature} | {Feature.CARD.value: {"enabled": True}}
    with app.app_context():
        values = {"features": features}
        db.session.add(StripeConfiguration(stripe_id="bpc_1", livemode=False, values=values))
        db.session.commit()
    owner = browse("owner@acme.example")
    page = owner.send("GET", "/account/billing").text
    assert "Change card" in page
    assert "Cancel at Stripe" not in page
    assert "Change plan" not in page
    for verb in ("cancel", "switch"):
        assert owner.send("POST", f"/account/billing/plan/{verb}", {"click": "x"}).status_code == 409
    assert stripe.opened == []
