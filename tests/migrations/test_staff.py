"""Events that were stored before say whom they are about once 0006 has run."""

import json

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from portal.extensions import db

EVENTS = {
    "evt_customer": ({"object": {"id": "cus_1", "object": "customer"}}, "cus_1"),
    "evt_invoice": ({"object": {"id": "in_1", "object": "invoice", "customer": "cus_2"}}, "cus_2"),
    "evt_detached": (
        {"object": {"id": "pm_1", "customer": None}, "previous_attributes": {"customer": "cus_3"}},
        "cus_3",
    ),
    "evt_long": ({"object": {"customer": "c" * 65}}, None),
    "evt_other": ({"object": {"customer": {"id": "cus_4"}}}, None),
    "evt_ignored": (None, None),
}
INSERT = text(
    "INSERT INTO stripe_events (id, type, livemode, payload, status, attempts, created_at, received_at)"
    " VALUES (:id, 'invoice.paid', false, :payload, 'handled', 1, :at, :at)"
)


def test_old_events_are_given_their_customer(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="0005")
        with db.engine.begin() as connection:
            for event_id, (data, _) in EVENTS.items():
                payload = "{}" if data is None else json.dumps({"id": event_id, "data": data})
                connection.execute(
                    INSERT, {"id": event_id, "payload": payload, "at": "2026-10-01 09:00:00.000000"}
                )
        db.session.remove()
        db.engine.dispose()
        upgrade()
        with db.engine.connect() as connection:
            found = {
                row[0]: row[1]
                for row in connection.execute(text("SELECT id, customer_id FROM stripe_events"))
            }
        assert found == {event_id: customer for event_id, (_, customer) in EVENTS.items()}
