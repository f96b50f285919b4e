"""A refused form answers 422 with the message beside its field and what was typed kept; nothing more is ever taken."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import html5lib
import pytest
from flask import Flask
from sqlalchemy import select

from portal.api_keys.models import ApiKey
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.permissions import Role
from tests.blueprints.things import ADDRESS, Things
from tests.blueprints.web import Browser, dump
from tests.factories import World

Browse = Callable[[str | None], Browser]
XHTML = "{http://www.w3.org/1999/xhtml}"
LONG = "x" * 300
OWNER = "owner@acme.example"
REFUSED = [
    (OWNER, "/account/profile", {"name": ""}, "name"),
    (OWNER, "/account/profile", {"name": "   "}, "name"),
    (OWNER, "/account/profile", {"name": LONG}, "name"),
    (OWNER, "/account/profile", {"name": "a\u202eb"}, "name"),
    (OWNER, "/account/profile", {}, "name"),
    (OWNER, "/account/billing/company", {"name": ""}, "name"),
    (OWNER, "/account/billing/company", {"name": LONG}, "name"),
    (OWNER, "/account/billing/company", {"name": "Acme", **ADDRESS, "postal_code": "1"}, "postal_code"),
    (OWNER, "/account/billing/company", {"name": "Acme", **ADDRESS, "line1": LONG}, "line1"),
    (
        OWNER,
        "/account/billing/delivery",
        {"billing_email": "nobody", "purchase_order": "<svg>"},
        "billing_email",
    ),
    (OWNER, "/account/billing/delivery", {"billing_email": LONG}, "billing_email"),
    (OWNER, "/account/billing/delivery", {"billing_email": OWNER, "recipients": "nobody"}, "recipients"),
    (OWNER, "/account/billing/delivery", {"billing_email": OWNER, "purchase_order": LONG}, "purchase_order"),
    (OWNER, "/account/billing/tax-ids/new", {"country": "DE", "type": "eu_vat", "value": "DE1"}, "value"),
    (OWNER, "/account/billing/tax-ids/new", {}, "country"),
    (OWNER, "/account/team/invitations", {"email": "no address", "role": "member"}, "email"),
    (OWNER, "/account/team/invitations", {"email": "", "role": "member"}, "email"),
    (OWNER, "/account/team/invitations", {"email": "viewer@acme.example", "role": "member"}, "email"),
    (OWNER, "/account/team/invitations", {"email": "guest@acme.example", "role": "member"}, "email"),
    (OWNER, "/account/team/invitations", {"email": "new@else.example", "role": "king"}, "role"),
    (OWNER, "/account/api-keys", {"name": ""}, "name"),
    (OWNER, "/account/api-keys", {"name": LONG}, "name"),
    (None, "/auth/sign-in", {"email": "", "password": "x", "next": "/account/team"}, "email"),
    (None, "/auth/sign-in", {"email": OWNER, "password": ""}, "password"),
    (None, "/auth/sign-in", {"email": OWNER, "password": "wrong"}, "password"),
    (None, "/auth/sign-in", {"email": "nobody@acme.example", "password": "wrong"}, "password"),
    (None, "/invitations/TOKEN", {"name": "", "password": "a long enough password"}, "name"),
    (None, "/invitations/TOKEN", {"name": "Gia", "password": "short"}, "password"),
    (None, "/invitations/TOKEN", {"name": "a\u202eb", "password": "a long enough password"}, "name"),
]


def drawn(text: str, action: str) -> Element:
    """The form of a page that is sent to `action`."""
    document = html5lib.HTMLParser(strict=True).parse(text)
    (found,) = [form for form in document.iter(f"{XHTML}form") if form.get("action") == action]
    return found


def control(document: Element, name: str) -> Element:
    for kind in ("input", "select", "textarea"):
        for node in document.iter(f"{XHTML}{kind}"):
            if node.get("name") == name:
                return node
    raise AssertionError(f"no field {name}")


def value(node: Element) -> str:
    if node.tag == f"{XHTML}select":
        return next((str(option.get("value")) for option in node if option.get("selected") is not None), "")
    if node.tag == f"{XHTML}textarea":
        return str(node.text or "").strip()
    return node.get("value") or ""


@pytest.mark.parametrize(("email", "path", "data", "field"), REFUSED)
def test_a_refusal_stands_beside_its_field(
    app: Flask, acme: Things, browse: Browse, email: str | None, path: str, data: dict[str, str], field: str
) -> None:
    browser = browse(email)
    before = dump(app)
    answer = browser.send("POST", path.replace("TOKEN", acme.token), data)
    assert answer.status_code == 422
    document = drawn(answer.text, path.replace("TOKEN", acme.token))
    wrong = control(document, field)
    assert wrong.get("aria-invalid") == "true"
    ids = str(wrong.get("aria-describedby")).split()
    errors = [
        node for node in document.iter() if node.get("id") in ids and str(node.get("id")).endswith("-error")
    ]
    assert "".join(errors[0].itertext()).strip()
    for name, typed in data.items():
        kept = value(control(document, name))
        assert kept == ("" if name == "password" or (name, typed) == ("role", "king") else typed), name
    after = dump(app)
    assert {name: rows for name, rows in after.items() if name != "attempt_counters"} == {
        name: rows for name, rows in before.items() if name != "attempt_counters"
    }


@pytest.mark.parametrize("role", ["king", "", "owner"])
def test_a_role_that_cannot_be_given_is_refused(app: Flask, acme: Things, browse: Browse, role: str) -> None:
    admin, path = browse("admin@acme.example"), f"/account/team/members/{acme.member_id}/role"
    assert admin.send("PATCH", path, {"role": role}, HX_Request="true").status_code in {409, 422}
    plain = admin.send("POST", path, {"role": role})
    assert (plain.status_code, plain.location) == (303, "/account/team")
    with app.app_context():
        assert db.session.get_one(Membership, acme.member_id).role == Role.MEMBER


def test_an_admin_cannot_invite_an_owner(app: Flask, acme: Things, browse: Browse) -> None:
    before = dump(app)["invitations"]
    data = {"email": "new@else.example", "role": "owner"}
    assert browse("admin@acme.example").send("POST", "/account/team/invitations", data).status_code in {
        403,
        422,
    }
    assert dump(app)["invitations"] == before


def test_nothing_beyond_the_form_is_taken(app: Flask, world: World, browse: Browse) -> None:
    owner, foreign = browse(OWNER), world.globex.organization_id
    extra = {
        "id": "usr_mine",
        "email": "mine@evil.example",
        "staff_role": "lead",
        "role": "owner",
        "password_hash": "x",
        "user_id": world.globex.users[Role.OWNER],
        "stripe_customer_id": "cus_mine",
        "secret_hash": "x",
        "prefix": "mine",
    }
    assert owner.send("POST", "/account/profile", {"name": "Ana", **extra}).status_code == 303
    details = {"name": "Acme GmbH", "billing_email": "a@acme.example", **extra}
    for card in ("company", "delivery"):
        assert owner.send("POST", f"/account/billing/{card}", details).status_code == 303
    assert owner.send("POST", "/account/api-keys", {"name": "Export", **extra}).status_code == 201
    with app.app_context():
        user = db.session.get_one(User, world.acme.users[Role.OWNER])
        organization = db.session.get_one(Organization, world.acme.organization_id)
        key = db.session.scalars(select(ApiKey)).one()
        assert (user.name, user.email, user.staff_role) == ("Ana", OWNER, None)
        assert (organization.stripe_customer_id, organization.name) == ("cus_acme", "Acme GmbH")
        assert key.organization_id == world.acme.organization_id
        assert key.prefix.startswith("ptl_")
        assert db.session.get_one(Organization, foreign).name == "Globex"


@pytest.mark.parametrize(
    "path", ["/account/profile", "/account/api-keys", "/account/billing/company", "/account/team/invitations"]
)
def test_a_form_drawn_for_another_organization_is_refused(
    app: Flask, world: World, browse: Browse, path: str
) -> None:
    before = dump(app)
    data = {"name": "Ana", "billing_email": "a@b.example", "email": "c@d.example", "role": "member"}
    owner = browse(OWNER)
    before = dump(app)
    answer = owner.send("POST", path, {**data, "organization_id": world.globex.organization_id})
    assert answer.status_code == 409
    assert "another organization" in answer.text
    assert dump(app) == before


@pytest.mark.parametrize("path", ["/account/api-keys", "/account/billing", "/account/team"])
def test_every_form_about_the_organization_names_it(acme: Things, browse: Browse, path: str) -> None:
    document = html5lib.parse(browse(OWNER).send("GET", path).text)
    bare = []
    for form in document.iter(f"{XHTML}form"):
        action = str(form.get("action"))
        names = {node.get("name") for node in form.iter(f"{XHTML}input")}
        own = (
            action.startswith(("/account/team", "/account/billing", "/account/api-keys"))
            and form.get("method") == "post"
        )
        if own and "organization_id" not in names:
            bare.append(action)
    assert bare == []


HOSTILE = """<svg onload=x>"'><b id=z>{{7*7}}"""


def test_what_people_typed_is_text_on_every_page(
    app: Flask, acme: Things, world: World, browse: Browse
) -> None:
    owner, support = browse(OWNER), browse("support@portal.example")
    pages = (
        "team",
        "team/roles",
        "billing",
        "usage",
        "invoices",
        "api-keys",
        "activity",
        "profile",
        f"team/members/{acme.member_id}/remove",
    )

    def shapes() -> list[list[str]]:
        documents = [owner.send("GET", f"/account/{page}").text for page in pages]
        documents.append(support.send("GET", f"/admin/organizations/{acme.organization_id}").text)
        documents.append(support.send("GET", "/admin/organizations").text)
        assert not any("49" in text and "{{7*7}}" not in text and HOSTILE in text for text in documents)
        return [
            [str(node.tag) for node in html5lib.HTMLParser(strict=True).parse(text).iter()]
            for text in documents
        ]

    def rename(name: str) -> None:
        with app.app_context():
            db.session.execute(db.update(User).values(name=name))
            db.session.execute(db.update(Organization).values(name=name))
            db.session.execute(db.update(ApiKey).values(name=name, created_by_name=name))
            db.session.commit()

    rename("Plain")
    before = shapes()
    rename(HOSTILE)
    assert shapes() == before
    assert "&lt;svg onload=x&gt;" in owner.send("GET", "/account/team").text
