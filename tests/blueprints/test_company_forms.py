"""The forms of company details, as somebody sees and sends them back."""

from collections.abc import Callable
from dataclasses import asdict
from xml.etree.ElementTree import Element

from flask import Flask

from portal.company.models import BillingDetails
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from tests.blueprints.test_forms import XHTML, control, drawn, value
from tests.blueprints.web import Browser
from tests.factories import World

Browse = Callable[[str | None], Browser]
OWNER = "owner@acme.example"
COMPANY, DELIVERY = "/account/billing/company", "/account/billing/delivery"
DUBAI = AddressSnapshot("Sheikh Zayed Rd", "", "Jumeirah", "إمارة دبيّ", "", "AE")


def fields(form: Element) -> dict[str, str]:
    names = ("name", "country", "line1", "line2", "city", "state")
    return {name: value(control(form, name)) for name in names}


def test_saving_the_name_alone_leaves_the_address_as_stripe_has_it(
    app: Flask, world: World, browse: Browse
) -> None:
    organization_id, owner = world.acme.organization_id, browse(OWNER)
    with app.app_context():
        db.session.add(BillingDetails(organization_id=organization_id, **asdict(DUBAI)))
        db.session.commit()
    filled = fields(drawn(owner.send("GET", COMPANY).text, COMPANY))
    assert (filled["city"], filled["state"]) == ("Jumeirah", "Dubai")
    assert owner.send("POST", COMPANY, {**filled, "name": "Acme FZE"}).status_code == 303
    with app.app_context():
        row = db.session.get_one(BillingDetails, organization_id)
        assert {name: getattr(row, name) for name in asdict(DUBAI)} == asdict(DUBAI)


def test_every_fault_of_the_delivery_form_is_told_at_once(browse: Browse) -> None:
    typed = {"billing_email": "nobody", "recipients": "nowhere", "purchase_order": "x" * 200}
    form = drawn(browse(OWNER).send("POST", DELIVERY, typed).text, DELIVERY)
    assert {name: control(form, name).get("aria-invalid") for name in typed} == dict.fromkeys(typed, "true")
    said = [node for node in form.iter(f"{XHTML}p") if str(node.get("id")).endswith("recipients-error")]
    assert "nowhere is no email address" in "".join(said[0].itertext())


def test_a_british_company_is_offered_its_own_number_first(browse: Browse) -> None:
    path = "/account/billing/tax-ids/new"
    typed = {"country": "GB", "value": "980780684"}
    answer = browse(OWNER).send("POST", "/account/billing/tax-ids/fields", typed)
    form = drawn(answer.text, path)
    assert value(control(form, "type")) == "gb_vat"
