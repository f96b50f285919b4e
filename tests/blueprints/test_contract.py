"""What a customer by contract sees and may not do, and how staff keep the contract's documents."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.contracts.documents import LARGEST_BYTES
from portal.contracts.models import ContractDocument
from portal.extensions import db
from portal.kit.tokens import new_id
from tests.blueprints.things import REASON, Things, address, form
from tests.blueprints.web import Browser, dump, routes
from tests.factories import PDF_BYTES, make_contract
from tests.fakes import FakeStripe

Browse = Callable[[str | None], Browser]
OWNER, LEAD = "owner@globex.example", "lead@portal.example"
PLAN_ROUTES = {
    "billing.choose_plan",
    "billing.confirm_switch",
    "billing.switch_plan",
    "billing.cancel_plan",
    "billing.keep_plan",
    "billing.release_change",
    "billing.open_home",
}
"""Routes that change the plan, or lead to a page of Stripe's that could."""
OTHER_ROUTES = {
    "billing.change_card",
    "billing.save_company",
    "billing.company_fields",
    "billing.save_delivery",
    "billing.create_tax_id",
    "billing.tax_id_fields",
    "billing.delete_tax_id",
    "billing.look_tax_id_up",
}
"""What else can be sent on the billing pages: none of it touches the plan."""


@pytest.fixture
def contract(app: Flask, globex: Things, stripe: FakeStripe) -> Things:
    """Globex's things, with a contract, and with a plan at Stripe by which it could be billed."""
    with app.app_context():
        make_contract(globex.organization_id)
    stripe.customers["cus_globex"] = replace(stripe.customers["cus_acme"], id="cus_globex")
    return globex


def upload(content: bytes, name: str = "Order form.pdf", **more: str) -> dict[str, Any]:
    return {"reason": REASON, "document": (io.BytesIO(content), name), **more}


def names(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(ContractDocument.name).order_by(ContractDocument.added_at)))


def test_the_customer_sees_everything_agreed(contract: Things, browse: Browse) -> None:
    page = browse(OWNER).send("GET", "/account/billing").text
    for told in (
        "Two years, paid by transfer within 30 days.",
        "60 committed seats",
        "€48,000.00",
        "Jan 1, 2027",
        "Lena Brandt",
        "lena.brandt@portal.example",
        "Order form of globex.example.pdf",
        f"/account/invoices/{contract.invoice_id}",
    ):
        assert told in page, told


def test_a_document_is_a_file_and_never_a_page(contract: Things, browse: Browse) -> None:
    answer = browse("billing@globex.example").send(
        "GET", f"/account/billing/documents/{contract.document_id}"
    )
    assert (answer.data, answer.mimetype) == (PDF_BYTES, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith(
        'attachment; filename="Order form of globex.example.pdf"'
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_may_not_see_billing_gets_no_document(contract: Things, browse: Browse) -> None:
    for email in ("viewer@globex.example", "member@globex.example"):
        answer = browse(email).send("GET", f"/account/billing/documents/{contract.document_id}")
        assert answer.status_code == 403, email


def test_a_lead_adds_and_removes_a_document(app: Flask, contract: Things, browse: Browse) -> None:
    lead, page = browse(LEAD), f"/admin/organizations/{contract.organization_id}"
    added = lead.send("POST", f"{page}/documents/new", upload(PDF_BYTES + b"2", "Annex 1.pdf"))
    assert (added.status_code, added.location) == (303, f"{page}#documents")
    assert "Annex 1.pdf" in lead.send("GET", page).text
    old = lead.send("GET", f"{page}/documents/{contract.document_id}")
    assert old.data == PDF_BYTES
    removed = lead.send("POST", f"{page}/documents/{contract.document_id}/remove", {"reason": REASON})
    assert removed.status_code == 303
    assert names(app) == ["Annex 1.pdf"]
    assert lead.send("GET", f"{page}/documents/{contract.document_id}").status_code == 404


def test_staff_reach_a_document_through_its_organization_only(
    contract: Things, acme: Things, browse: Browse
) -> None:
    lead = browse(LEAD)
    for document_id in (contract.document_id, new_id("doc")):
        path = f"/admin/organizations/{acme.organization_id}/documents/{document_id}"
        for method, end in (("GET", ""), ("GET", "/remove"), ("POST", "/remove")):
            assert lead.send(method, path + end, {"reason": REASON}).status_code == 404, end


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (None, REASON, "Choose a file."),
        (b"PK\x03\x04", REASON, "not a PDF"),
        (PDF_BYTES.ljust(LARGEST_BYTES + 1), REASON, "larger than 5 MB"),
        (PDF_BYTES + b"2", "", "Say why."),
        (PDF_BYTES, REASON, "already as"),
    ],
    ids=["none", "archive", "large", "no reason", "twice"],
)
def test_a_refused_document_says_why_and_changes_nothing(
    app: Flask, contract: Things, browse: Browse, content: bytes | None, reason: str, said: str
) -> None:
    sent = {"reason": reason, "document": "no file"} if content is None else upload(content, reason=reason)
    path = f"/admin/organizations/{contract.organization_id}/documents/new"
    answer = browse(LEAD).send("POST", path, sent)
    assert answer.status_code == 422
    assert said in answer.text
    assert names(app) == ["Order form of globex.example.pdf"]


def test_only_the_upload_takes_a_larger_body(app: Flask, contract: Things, browse: Browse) -> None:
    lead, page = browse(LEAD), f"/admin/organizations/{contract.organization_id}"
    whole = PDF_BYTES.ljust(LARGEST_BYTES)
    assert lead.send("POST", f"{page}/documents/new", upload(whole)).status_code == 303
    larger = upload(PDF_BYTES.ljust(LARGEST_BYTES + 200_000))
    assert lead.send("POST", f"{page}/documents/new", larger).status_code == 413
    elsewhere = f"{page}/documents/{contract.document_id}/remove"
    assert lead.send("POST", elsewhere, upload(PDF_BYTES.ljust(1_100_000))).status_code == 413


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "fragment"])
def test_every_route_that_would_change_the_plan_refuses(
    app: Flask, contract: Things, browse: Browse, stripe: FakeStripe, htmx: bool
) -> None:
    owner, headers = browse(OWNER), {"HX_Request": "true"} if htmx else {}
    before, asked = dump(app), []
    for changing in (False, True):
        for rule, method in routes(app, changing=changing):
            if rule.endpoint not in PLAN_ROUTES:
                continue
            filled = form(rule.endpoint, contract) if changing else None
            answer = owner.send(method, address(rule, contract), filled, **headers)
            assert answer.status_code == 409, f"{method} {rule.rule}"
            told = answer.headers["HX-Trigger"] if htmx else answer.text
            assert "Your plan is set by your contract. Write to Lena Brandt to change it." in told
            asked.append(rule.endpoint)
    assert set(asked) == PLAN_ROUTES
    assert dump(app) == before
    assert (stripe.flows, stripe.writes) == ([], [])


def test_every_form_of_billing_is_known_to_change_the_plan_or_not(app: Flask) -> None:
    sent = {rule.endpoint for rule, _ in routes(app, changing=True) if rule.endpoint.startswith("billing.")}
    assert sent - PLAN_ROUTES == OTHER_ROUTES


def test_a_contract_shows_no_way_to_change_the_plan(app: Flask, contract: Things, browse: Browse) -> None:
    page = browse(OWNER).send("GET", "/account/billing").text
    assert "/account/billing/plan" not in page
    assert "/account/billing/home" not in page
