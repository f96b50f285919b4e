"""Visits and reports go with their tables, and the tables come back empty."""

from datetime import UTC, datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select

from portal.deflection.models import DeflectionReport, ScreenVisit
from portal.extensions import db
from tests.factories import World
from tests.migrations.test_migrations import forget

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
TABLES = {"deflection_reports", "screen_visits"}


def test_tables_go_and_come_with_data_in_them(app: Flask) -> None:
    with app.app_context():
        world = World.make()
        who = {"user_id": world.acme.users["owner"], "organization_id": world.acme.organization_id}
        db.session.add(ScreenVisit(**who, screen="team", day=AT.date(), first_at=AT, last_at=AT))
        db.session.add(DeflectionReport(quarter="2026Q3", figures={"reasons": []}, made_at=AT))
        db.session.commit()
        forget()
        downgrade(revision="0014")
        assert not TABLES & set(inspect(db.engine).get_table_names())
        upgrade()
        for table in (ScreenVisit, DeflectionReport):
            assert db.session.scalar(select(func.count()).select_from(table)) == 0
