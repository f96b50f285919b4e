"""The database itself refuses to change or delete a row of the log, by whatever way it is asked."""

import os
import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from portal.actor import system_actor
from portal.audit.guards import SQLITE_GUARDS, missing_guards
from portal.audit.retention import retain
from portal.errors import ForbiddenError
from portal.extensions import db
from portal.kit.clock import utcnow
from tests.conftest import make_settings
from tests.factories import World
from tests.portal.audit.tampering import verified, write
from wsgi import create_app

ROOT = Path(__file__).parents[3]
SET_UP = re.compile(r"^((?:GRANT|REVOKE) .*portal_app);$", re.MULTILINE)
ANY = "SELECT * FROM portal_audit LIMIT 1"
BOTH = (
    "UPDATE portal_audit SET address = NULL",
    "UPDATE portal_audit SET address = NULL WHERE 1 = 0",
    "DELETE FROM portal_audit",
    "DELETE FROM portal_audit WHERE position = 1",
)
POSTGRES = (
    "TRUNCATE portal_audit",
    f"INSERT INTO portal_audit {ANY} ON CONFLICT (id) DO UPDATE SET address = NULL",
    f"INSERT INTO portal_audit {ANY} ON CONFLICT (chain, position) DO UPDATE SET address = NULL",
    "MERGE INTO portal_audit a USING portal_audit b ON a.id = b.id WHEN MATCHED THEN DELETE",
)
SQLITE = (
    f"INSERT OR REPLACE INTO portal_audit {ANY}",
    f"REPLACE INTO portal_audit {ANY}",
    "UPDATE OR REPLACE portal_audit SET position = 1",
    f"INSERT INTO portal_audit {ANY} ON CONFLICT (id) DO UPDATE SET address = NULL",
    f"INSERT INTO portal_audit {ANY} ON CONFLICT DO UPDATE SET address = NULL",
)


def contents() -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [
            tuple(map(str, row))
            for row in connection.exec_driver_sql("SELECT * FROM portal_audit ORDER BY id")
        ]


def refused(statement: str) -> str:
    """What the database says. The log is as it was."""
    before = contents()
    with pytest.raises(DBAPIError) as caught, db.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert contents() == before, statement
    return str(caught.value)


@pytest.fixture
def logged(world: World) -> None:
    write(world.acme.actor(), 3)
    db.session.remove()


@pytest.mark.parametrize("statement", [statement for statement in BOTH if "1 = 0" not in statement])
def test_rows_stay(logged: None, statement: str) -> None:
    assert "portal_audit is append-only" in refused(statement)


@pytest.mark.parametrize("engine_name", ["postgres"])
@pytest.mark.parametrize("statement", [*BOTH, *POSTGRES])
def test_a_superuser_is_stopped_by_the_trigger(logged: None, statement: str, engine_name: str) -> None:
    assert "portal_audit is append-only" in refused(statement)


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize("statement", SQLITE)
def test_sqlite_replaces_nothing(logged: None, statement: str, engine_name: str) -> None:
    assert "portal_audit is append-only" in refused(statement)


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    "pragma", ["recursive_triggers = OFF", "foreign_keys = OFF", "ignore_check_constraints = ON"]
)
@pytest.mark.parametrize("statement", [*BOTH[:1], *BOTH[2:], *SQLITE, "replacement with a new id"])
def test_a_foreign_connection_replaces_nothing(
    logged: None, database_url: str, pragma: str, statement: str, engine_name: str
) -> None:
    """As a tool opens the file: without what the portal asks of its own connections."""
    before = contents()
    connection = sqlite3.connect(database_url.removeprefix("sqlite:///"))
    connection.execute(f"PRAGMA {pragma}")
    if statement == "replacement with a new id":
        columns = [column["name"] for column in inspect(db.engine).get_columns("portal_audit")]
        values = ", ".join("id + 1000" if name == "id" else name for name in columns)
        statement = (
            f"INSERT OR REPLACE INTO portal_audit ({', '.join(columns)}) SELECT {values} FROM portal_audit"
        )
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert contents() == before


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_the_guards_that_are_checked_for_are_those_that_were_made(app: Flask, engine_name: str) -> None:
    with app.app_context(), db.engine.connect() as connection:
        made = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
        assert {name: re.sub(r"\s+", " ", sql) for name, sql in made} == SQLITE_GUARDS
        assert missing_guards(connection) == []


@pytest.fixture
def owner() -> str:
    """A role's name. Roles belong to the whole server, which other tests use too."""
    return f"owner_{os.urandom(4).hex()}"


@pytest.fixture
def owner_url(postgres_admin_url: str, owner: str) -> Iterator[str]:
    """A database that belongs to a role which is no superuser, as hosters give it; beside it there is `<owner>_app`."""
    parts = urlsplit(postgres_admin_url)
    place = {"host": parse_qs(parts.query)["host"][0], "user": parts.username, "dbname": parts.path[1:]}
    with psycopg.connect(**place, autocommit=True) as connection:
        for statement in (f"CREATE ROLE {owner} LOGIN", f"CREATE ROLE {owner}_app LOGIN"):
            connection.execute(statement)
        connection.execute(f"CREATE DATABASE {owner} OWNER {owner}")
    yield parts._replace(netloc=parts.netloc.replace(str(parts.username), owner), path=f"/{owner}").geturl()
    with psycopg.connect(**place, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {owner} WITH (FORCE)")
        connection.execute(f"DROP ROLE {owner}_app")
        connection.execute(f"DROP ROLE {owner}")


@pytest.fixture
def owned(owner_url: str) -> Iterator[Flask]:
    """The portal as that role, with a few rows."""
    app = create_app(make_settings(owner_url))
    with app.app_context():
        upgrade()
        write(World.make().acme.actor(), 3)
        db.session.remove()
        yield app
        db.engine.dispose()


@pytest.mark.parametrize("statement", [*BOTH, *POSTGRES])
def test_the_owner_of_the_tables_has_no_right_to(owned: Flask, statement: str) -> None:
    assert "permission denied for table portal_audit" in refused(statement)


def test_the_log_of_such_an_owner_verifies(owned: Flask) -> None:
    report = verified()
    assert (report.is_intact, report.rows) == (True, 3)


def test_such_an_owner_can_migrate_down_and_up_again(owned: Flask) -> None:
    downgrade(revision="0001")
    db.engine.dispose()
    upgrade()
    report = verified()
    assert (report.is_intact, report.rows) == (True, 3)


def test_a_right_that_came_back_is_named(owned: Flask) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("GRANT UPDATE ON portal_audit TO CURRENT_USER")
    assert [finding.kind for finding in verified().findings] == ["unguarded"]


def serving_app(owner: str, owner_url: str) -> Flask:
    """The portal as the second role, with the rights that docs/audit-log.md gives it."""
    rights = SET_UP.findall((ROOT / "docs" / "audit-log.md").read_text())
    assert len(rights) == 3
    with db.engine.begin() as connection:
        for right in rights:
            connection.exec_driver_sql(right.replace("portal_app", f"{owner}_app"))
    return create_app(make_settings(owner_url.replace(f"{owner}@", f"{owner}_app@")))


@pytest.mark.parametrize(
    "statement",
    [
        *BOTH,
        *POSTGRES[:3],
        "DROP TRIGGER portal_audit_append_only ON portal_audit",
        "ALTER TABLE portal_audit DISABLE TRIGGER portal_audit_append_only",
        "DROP TABLE portal_audit",
        "CREATE OR REPLACE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN END$$",
    ],
)
def test_a_role_of_its_own_for_the_portal_cannot_even_lift_the_guards(
    owned: Flask, owner: str, owner_url: str, statement: str
) -> None:
    app = serving_app(owner, owner_url)
    with app.app_context():
        said = refused(statement)
        assert "permission denied" in said or "must be owner" in said
        write(system_actor(None), 2)
        assert (verified().is_intact, verified().rows) == (True, 5)
        db.engine.dispose()


def test_only_the_owner_can_take_old_rows_away(owned: Flask, owner: str, owner_url: str) -> None:
    app = serving_app(owner, owner_url)
    with app.app_context():
        with pytest.raises(ForbiddenError, match=f"must be that of {owner}, not of {owner}_app"):
            retain(utcnow())
        db.session.rollback()
        db.engine.dispose()
    assert [cut.rows for cut in retain(utcnow() + timedelta(minutes=1))] == [3]
    db.session.commit()
    report = verified()
    assert (report.is_intact, report.rows, report.cuts) == (True, 1, 1)
    assert "permission denied" in refused("DELETE FROM portal_audit")
