"""Migration 0010 keeps the newest configuration of each mode, which alone was used, for the standard class."""

from datetime import UTC, datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text

from portal.extensions import db
from portal.identity.models import Organization
from portal.stripe_portal.models import StripeConfiguration
from tests.factories import World
from tests.migrations.test_migrations import forget

ROWS = (("a", False, 1), ("b", False, 3), ("c", False, 2), ("d", True, 1))


def test_the_newest_of_each_mode_is_kept(app: Flask) -> None:
    with app.app_context():
        World.make()
        forget()
        downgrade(revision="0009")
        with db.engine.begin() as connection:
            for name, livemode, day in ROWS:
                values = {"id": name, "livemode": livemode, "at": datetime(2026, 1, day, tzinfo=UTC)}
                insert = "INSERT INTO stripe_configurations (id, stripe_id, livemode, created_at)"
                connection.execute(text(f"{insert} VALUES (:id, :id, :livemode, :at)"), values)
        forget()
        upgrade()
        kept = db.session.scalars(select(StripeConfiguration).order_by(StripeConfiguration.id)).all()
        assert [(row.id, row.customer_class, row.values) for row in kept] == [
            ("b", "standard", None),
            ("d", "standard", None),
        ]
        assert set(db.session.scalars(select(Organization.customer_class))) == {"standard"}
        kept[0].customer_class = "managed"
        db.session.commit()
        forget()
        downgrade(revision="0009")
        with db.engine.connect() as connection:
            assert connection.scalars(text("SELECT id FROM stripe_configurations")).all() == ["d"]
        upgrade()
