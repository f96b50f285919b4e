"""Cards that were kept before become payment methods in 0009, and go back; old events learn their object."""

import json

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from portal.billing.models import PaymentMethod
from portal.extensions import db
from portal.stripe_mirror.models import StripeEvent
from tests.factories import World

CARD = text(
    "INSERT INTO cards (organization_id, stripe_id, brand, last4, exp_month, exp_year, synced_at)"
    " VALUES (:id, 'pm_old', 'visa', '4242', 8, 2030, '2026-10-01 09:00:00.000000')"
)
EVENT = text(
    "INSERT INTO stripe_events (id, type, livemode, payload, status, attempts, created_at, received_at)"
    " VALUES (:id, 'invoice.paid', false, :payload, 'handled', 1, :at, :at)"
)


def forget() -> None:
    db.session.remove()
    db.engine.dispose()


def test_cards_become_payment_methods_and_events_name_their_object(app: Flask) -> None:
    with app.app_context():
        organization_id = World.make().acme.organization_id
        forget()
        downgrade(revision="0008")
        at = "2026-10-01 09:00:00.000000"
        with db.engine.begin() as connection:
            connection.execute(CARD, {"id": organization_id})
            for event_id, payload in (
                ("evt_1", json.dumps({"data": {"object": {"id": "in_1"}}})),
                ("evt_2", "{}"),
                ("evt_3", json.dumps({"data": {"object": {"id": 7}}})),
            ):
                connection.execute(EVENT, {"id": event_id, "payload": payload, "at": at})
        forget()
        upgrade()
        row = db.session.scalars(select(PaymentMethod)).one()
        assert (row.stripe_id, row.last4, row.is_default, row.detached_at) == ("pm_old", "4242", True, None)
        events = select(StripeEvent.object_id).order_by(StripeEvent.id)
        assert db.session.scalars(events).all() == ["in_1", None, None]
        row.last4 = "4444"
        db.session.commit()
        forget()
        downgrade(revision="0008")
        with db.engine.connect() as connection:
            found = connection.execute(text("SELECT organization_id, stripe_id, last4 FROM cards")).all()
        assert [tuple(card) for card in found] == [(organization_id, "pm_old", "4444")]
