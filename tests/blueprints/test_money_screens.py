"""Billing, invoices, usage and keys: the happy way, and what is said while an outside service is down."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from demo.usage import write_usage
from portal.api_keys.models import ApiKey
from portal.contracts.models import Contract
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from tests.blueprints.things import Things
from tests.blueprints.web import Browser
from tests.factories import World
from tests.fakes import FakeStripe
from tests.visitor import Visitor

Visit = Callable[..., Visitor]
Browse = Callable[[str | None], Browser]
HTMX = {"HX_Request": "true"}


def stored(app: Flask, kind: type, key: str) -> Any:
    with app.app_context():
        return db.session.get(kind, key)


def test_billing_details(app: Flask, world: World, browse: Browse) -> None:
    billing = browse("billing@acme.example")
    page = billing.send("GET", "/account/billing").text
    assert "4242" in page
    assert "$159.00" in page
    sent = billing.send("POST", "/account/billing/delivery", {"billing_email": "rechnung@acme.example"})
    assert sent.location.startswith("/account/billing")
    assert stored(app, Organization, world.acme.organization_id).billing_email == "rechnung@acme.example"


def test_the_card_is_changed_at_stripe(world: World, browse: Browse, stripe: FakeStripe) -> None:
    owner = browse("owner@acme.example")
    assert (
        owner.send("POST", "/account/billing/card").location
        == "https://billing.stripe.com/p/session/cus_acme"
    )
    answer = owner.send("POST", "/account/billing/card", **HTMX)
    assert answer.headers["HX-Redirect"] == "https://billing.stripe.com/p/session/cus_acme"
    assert "hx-get" not in owner.send("GET", "/account/billing/card", **HTMX).text, (
        "Stripe's own answer is shown"
    )
    stripe.is_down = True
    assert "hx-get" in owner.send("GET", "/account/billing/card", **HTMX).text, "it watches for the event"
    assert owner.send("GET", "/account/billing/card").location == "/account/billing"


def test_a_contract_is_shown_and_has_no_card(app: Flask, world: World, browse: Browse) -> None:
    with app.app_context():
        today = utcnow().date()
        contract = Contract(
            organization_id=world.globex.organization_id,
            plan_name="Enterprise",
            terms="60 seats",
            seats=60,
            amount_minor=1_200_000,
            currency="eur",
            starts_on=today,
            renews_on=today,
            manager_name="Mia",
            manager_email="mia@portal.example",
        )
        db.session.add(contract)
        db.session.commit()
    page = browse("owner@globex.example").send("GET", "/account/billing").text
    assert "Enterprise" in page
    assert "€12,000.00" in page
    assert "Payment card" not in page
    assert browse("owner@globex.example").send("POST", "/account/billing/card").status_code == 409


def test_invoices_and_their_documents(acme: Things, browse: Browse, stripe: FakeStripe) -> None:
    stripe.is_down = True  # then the last known address is good enough
    billing = browse("billing@acme.example")
    listed = billing.send("GET", "/account/invoices").text
    assert "A-1" in listed
    assert "S-1" in listed
    assert "€119.00" in billing.send("GET", f"/account/invoices/{acme.invoice_id}").text
    hosted = billing.send("GET", f"/account/invoices/{acme.stripe_invoice_id}.pdf")
    assert (hosted.status_code, hosted.location) == (303, "https://pay.stripe.com/in_acme.example.pdf")
    document = billing.send("GET", f"/account/invoices/{acme.invoice_id}.pdf")
    assert document.data.startswith(b"%PDF-")
    assert document.mimetype == "application/pdf"
    assert document.headers["Content-Disposition"].startswith('attachment; filename="Invoice A-1.pdf"')


def test_usage_as_chart_table_and_file(world: World, browse: Browse, metering_url: str) -> None:
    write_usage(
        metering_url, world.acme.organization_id, until=utcnow(), monthly_start=500, growth=0.0, seed=1
    )
    viewer = browse("viewer@acme.example")
    for path in ("/account/usage", "/account/usage?period=12-months"):
        page = viewer.send("GET", path).text
        assert "<svg" in page
        assert "<table" in page
    csv = viewer.send("GET", "/account/usage/export.csv")
    lines = csv.text.splitlines()
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert csv.headers["Content-Disposition"].startswith("attachment")
    assert lines[0].lstrip("\ufeff") == "day,metric,quantity"
    assert len(lines) > 300


def test_a_key_is_shown_once(app: Flask, world: World, browse: Browse) -> None:
    member = browse("member@acme.example")
    made = member.send("POST", "/account/api-keys", {"name": "Export"})
    assert made.status_code == 201
    with app.app_context():
        key = db.session.scalars(select(ApiKey)).one()
    assert f"{key.prefix}" in made.text
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.text.partition(key.prefix)[2][:26]
    for path in ("/account/api-keys", "/account/activity"):
        assert secret not in browse("owner@acme.example").send("GET", path).text
    revoke = f"/account/api-keys/{key.id}/revoke"
    assert "<html" not in member.send("GET", revoke, **HTMX).text
    assert member.send("POST", revoke).location == "/account/api-keys"
    assert stored(app, ApiKey, key.id).revoked_at is not None


def test_stripe_down_leaves_everything_else_working(acme: Things, browse: Browse, stripe: FakeStripe) -> None:
    stripe.is_down = True
    owner = browse("owner@acme.example")
    page = owner.send("GET", "/account/billing")
    assert page.status_code == 200
    assert "Stripe does not answer right now" in page.text
    assert owner.send("POST", "/account/billing/card").location == "/account/billing"
    for path in ("team", "usage", "invoices", "api-keys", "activity", "profile"):
        assert owner.send("GET", f"/account/{path}").status_code == 200, path
    details = {"billing_email": "a@acme.example"}
    assert owner.send("POST", "/account/billing/delivery", details).status_code == 303


def test_without_metering_usage_says_so(app: Flask, world: World, browse: Browse) -> None:
    app.extensions["portal"].metering = None
    viewer = browse("viewer@acme.example")
    assert viewer.send("GET", "/account/usage").status_code == 200
    assert viewer.send("GET", "/account/usage/export.csv").status_code == 503


def test_without_stripe_billing_says_so(app: Flask, world: World, browse: Browse) -> None:
    app.extensions["portal"].stripe = None
    owner = browse("owner@acme.example")
    assert owner.send("GET", "/account/billing").status_code == 200
    assert owner.send("POST", "/account/billing/card").status_code in {303, 503}
