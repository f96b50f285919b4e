"""Migrations go up and down with data in the tables, and make exactly the tables that the models say."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

from portal.actor import Actor, ActorKind, Origin, system_actor
from portal.audit.actions import Action
from portal.audit.chain import audit_keys
from portal.audit.models import AuditEntry, AuditHead
from portal.audit.service import Change, record
from portal.audit.verify import snapshot, verify_log
from portal.context import current_settings
from portal.database import Base
from portal.extensions import db
from portal.identity.models import User, UserSession
from portal.identity.sessions import start_session
from portal.models import DROPPED_NEXT
from portal.permissions import Role
from tests.blueprints.things import make_things
from tests.factories import World


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version", *DROPPED_NEXT}


def fill() -> None:
    for tenant in (made := World.make()).acme, made.globex:
        make_things(tenant)


def forget() -> None:
    """Lets go of every connection: a migration on Postgres waits for open transactions."""
    db.session.remove()
    db.engine.dispose()


def test_down_and_up_again_with_data(app: Flask) -> None:
    with app.app_context():
        fill()
        forget()
        downgrade(revision="base")
        assert tables() == set()
        forget()
        upgrade()
        assert tables() == set(Base.metadata.tables)
        fill()


def test_each_step_goes_down_and_up(app: Flask) -> None:
    with app.app_context():
        fill()
        forget()
        scripts = ScriptDirectory(app.extensions["migrate"].directory)
        for script in scripts.walk_revisions():
            downgrade(revision=str(script.down_revision or "base"))
            upgrade(revision=script.revision)
            downgrade(revision=str(script.down_revision or "base"))
        upgrade()
        assert tables() == set(Base.metadata.tables)


def test_sessions_of_before_the_second_factor_live_on(app: Flask) -> None:
    with app.app_context():
        world = World.make()
        start_session(db.session.get_one(User, world.acme.users[Role.OWNER]), Origin())
        db.session.commit()
        forget()
        downgrade(revision="0004")
        upgrade()
        kept = db.session.scalars(select(UserSession)).one()
        assert (kept.proved_at, kept.second_factor_at) == (kept.created_at, None)


def test_models_equal_migrations(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name not in DROPPED_NEXT,
            },
        )
        assert compare_metadata(context, db.metadata) == []


def test_there_is_one_head(app: Flask) -> None:
    assert len(ScriptDirectory(app.extensions["migrate"].directory).get_heads()) == 1


def test_foreign_keys_hold_after_a_migration(app: Flask) -> None:
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from portal.api_keys.models import ApiKey

    with app.app_context():
        orphan = {
            "id": "key_1",
            "organization_id": "org_none",
            "name": "x",
            "prefix": "p",
            "secret_hash": "h",
        }
        with pytest.raises(IntegrityError):
            db.session.execute(insert(ApiKey).values(**orphan, created_by_name="x"))


def test_readyz_says_when_migrations_are_missing(app: Flask) -> None:
    with app.app_context():
        downgrade(revision="base")
        forget()
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "flask db upgrade" in answer.get_json()["reason"]


def audit_rows() -> list[tuple[str, str]]:
    """Who did what to what, in the order in which it was written; and none of it is wrong."""
    with snapshot(db.engine) as connection:
        report = verify_log(connection, audit_keys(current_settings()))
        assert report.is_intact, report.findings
        return [
            (row.actor_name, row.entity_name)
            for row in connection.execute(
                select(AuditEntry.actor_name, AuditEntry.entity_name).order_by(AuditEntry.id)
            )
        ]


def test_old_rows_of_the_log_are_chained_and_the_guards_come_and_go(app: Flask) -> None:
    with app.app_context():
        fill()
        person = Actor(ActorKind.USER, "usr_alone", "Somebody")
        for actor in (person, system_actor(None), system_actor("org_gone"), person):
            record(
                actor, Action.SESSION_STARTED, Change("user", "usr_1", "Zoë", None, {"at": 1.5, "é": [None]})
            )
            db.session.commit()
        before = audit_rows()
        forget()
        downgrade(revision="0001")
        with db.engine.begin() as connection:  # as it was before: nobody stops it
            connection.exec_driver_sql("UPDATE portal_audit SET address = '::1'")
        forget()
        upgrade()
        assert audit_rows() == before
        heads = [name for (name,) in db.session.execute(select(AuditHead.chain))]
        assert {"portal", "usr_alone"} <= set(heads), (
            "an organization that is gone is in the portal's own chain"
        )
        with pytest.raises(DBAPIError, match="append-only"):
            db.session.execute(text("UPDATE portal_audit SET address = NULL"))
        db.session.rollback()
        record(person, Action.SESSION_ENDED, Change("user", "usr_1", "Zoë"))
        db.session.commit()
        assert audit_rows() == [*before, ("Somebody", "Zoë")]
