"""Migrations go up and down with data in the tables, and make exactly the tables that the models say."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from portal.database import Base
from portal.extensions import db
from tests.blueprints.things import make_things
from tests.factories import World


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


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


def test_models_equal_migrations(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
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
