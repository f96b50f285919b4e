"""Flags go with the step back; after it every screen is open to everybody again."""

from flask import Flask
from flask_migrate import downgrade, upgrade

from portal.extensions import db
from portal.rollout.queries import closed_screens, opening_histories
from portal.rollout.service import set_for_organization, set_percent
from tests.factories import World
from tests.migrations.test_migrations import forget
from tests.portal.rollout.test_flags import LEAD, WHY


def test_flags_go_down_and_up(app: Flask) -> None:
    with app.app_context():
        acme = World.make().acme.organization_id
        set_percent(LEAD, "billing", 0, WHY)
        set_for_organization(LEAD.within(acme), "usage", False, WHY)
        db.session.commit()
        assert closed_screens(acme) == {"billing", "usage"}
        forget()
        downgrade(revision="0013")
        forget()
        upgrade()
        assert closed_screens(acme) == frozenset()
        assert len(opening_histories("billing")[acme]) == 1
        forget()
