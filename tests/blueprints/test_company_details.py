"""Double clicks on the company's tax ids without script, what Stripe did not take, and a closed account."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal.company.tax_ids import add_tax_id
from portal.extensions import db
from portal.kit.clock import utcnow
from portal.notifications.models import OutboxMessage, OutboxStatus
from portal.stripe_mirror.models import StripeSync
from tests.blueprints.web import Browser
from tests.factories import World

Browse = Callable[[str | None], Browser]
OWNER = "owner@acme.example"
BILLING = "/account/billing"
NUMBER = {"country": "US", "type": "us_ein", "value": "91-1144442"}


def test_a_double_click_removes_once_and_leads_to_the_list(app: Flask, world: World, browse: Browse) -> None:
    with app.app_context():
        mine = add_tax_id(world.acme.actor(), *NUMBER.values()).id
        foreign = add_tax_id(world.globex.actor(), *NUMBER.values()).id
        db.session.commit()
    owner = browse(OWNER)
    for _ in range(2):
        assert owner.send("POST", f"{BILLING}/tax-ids/{mine}/remove").location == f"{BILLING}#tax-ids"
    assert owner.send("POST", f"{BILLING}/tax-ids/{foreign}/remove").status_code == 404


def test_a_double_click_adds_once(world: World, browse: Browse) -> None:
    owner, sent = browse(OWNER), {**NUMBER, "click": "c" * 22}
    for _ in range(2):
        assert owner.send("POST", f"{BILLING}/tax-ids/new", sent).location == f"{BILLING}#tax-ids"
    assert owner.send("POST", f"{BILLING}/tax-ids/new", {**NUMBER, "click": "d" * 22}).status_code == 422


def test_what_stripe_did_not_take_is_marked(app: Flask, world: World, browse: Browse) -> None:
    owner = browse(OWNER)
    assert "Stripe did not take this" not in owner.send("GET", BILLING).text
    details = {"billing_email": "billing@acme.example", "purchase_order": "PO 7", "recipients": ""}
    owner.send("POST", f"{BILLING}/delivery", details)
    with app.app_context():
        db.session.execute(db.update(OutboxMessage).values(status=OutboxStatus.DEAD))
        db.session.commit()
    text = owner.send("GET", BILLING).text
    assert text.count("Stripe did not take this") == 1
    assert text.index("PO 7") < text.index("Stripe did not take this")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("company", {"name": "Acme GmbH"}),
        ("delivery", {"billing_email": "new@acme.example"}),
        ("tax-ids/new", NUMBER),
    ],
)
def test_a_closed_account_is_said_to_be_closed(
    app: Flask, world: World, browse: Browse, path: str, data: dict[str, str]
) -> None:
    with app.app_context():
        db.session.add(StripeSync(customer_id="cus_acme", deleted_at=utcnow()))
        db.session.commit()
    answer = browse(OWNER).send("POST", f"{BILLING}/{path}", data)
    assert answer.status_code == 409
    assert "Your billing account at Stripe is closed." in answer.text
    with app.app_context():
        assert db.session.scalar(db.select(OutboxMessage.id).where(OutboxMessage.channel == "stripe")) is None


@pytest.mark.parametrize(
    ("country", "reason"),
    [("", "Choose a country."), ("ZZ", "Choose a country."), ("AF", "There are no tax IDs")],
)
def test_a_country_without_numbers_is_refused_in_words(
    world: World, browse: Browse, country: str, reason: str
) -> None:
    answer = browse(OWNER).send("POST", f"{BILLING}/tax-ids/new", {**NUMBER, "country": country})
    assert answer.status_code == 422
    assert reason in answer.text.partition('id="country-error"')[2]
