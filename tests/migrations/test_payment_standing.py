"""What is wrong with payments is known right after the migration, from what the mirror knew before it."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import select

from portal.billing.models import Subscription
from portal.extensions import db
from portal.identity.models import Organization
from tests.factories import World
from tests.migrations.test_migrations import forget


def add_plan(organization_id: str, stripe_id: str, status: str) -> None:
    now = datetime.now(UTC)
    values = {"plan_name": "Pro", "currency": "usd", "interval": "month", "interval_count": 1}
    row = Subscription(
        stripe_id=stripe_id,
        organization_id=organization_id,
        status=status,
        cancel_at_period_end=False,
        created_at=now,
        synced_at=now,
        **values,
    )
    db.session.add(row)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (["active", "past_due", "unpaid"], "unpaid"),
        (["incomplete", "past_due"], "past_due"),
        (["active"], None),
    ],
)
def test_the_gravest_state_of_the_mirror_is_kept(app: Flask, statuses: list[str], told: str | None) -> None:
    with app.app_context():
        world = World.make()
        for number, status in enumerate(statuses):
            add_plan(world.acme.organization_id, f"sub_{number}", status)
        db.session.commit()
        forget()
        downgrade(revision="0011")
        upgrade(revision="0012")
        kept = dict(
            db.session.execute(select(Organization.name, Organization.payment_trouble)).tuples().all()
        )
        assert kept == {"Acme": told, "Globex": None}
