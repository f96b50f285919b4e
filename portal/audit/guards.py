"""What keeps the log append-only in the database itself (made by migration 0002): is it there, and how it is lifted."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.engine import Connection

from portal.errors import ForbiddenError

REFUSAL = "BEGIN SELECT RAISE(ABORT, 'portal_audit is append-only'); END"
SQLITE_GUARDS = {
    name: f"CREATE TRIGGER {name} BEFORE {when} {REFUSAL}"
    for name, when in (
        ("portal_audit_no_update", "UPDATE ON portal_audit"),
        ("portal_audit_no_delete", "DELETE ON portal_audit"),
        (
            "portal_audit_no_replace",
            (
                "INSERT ON portal_audit WHEN EXISTS (SELECT 1 FROM portal_audit WHERE id = NEW.id) OR EXISTS "
                "(SELECT 1 FROM portal_audit WHERE chain = NEW.chain AND position = NEW.position)"
            ),
        ),
    )
}
# pg_trigger.tgtype: BEFORE 2, DELETE 8, UPDATE 16, TRUNCATE 32, and not for each row (1).
POSTGRES_GUARD = text(
    """SELECT t.tgenabled IN ('O', 'A') AS is_on, t.tgtype = 58 AND t.tgqual IS NULL AS is_whole, p.prosrc
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = 'portal_audit'::regclass AND t.tgname = 'portal_audit_append_only'"""
)
POSTGRES_BODY = (
    "BEGIN RAISE EXCEPTION 'portal_audit is append-only' USING ERRCODE = 'insufficient_privilege'; END"
)
POSTGRES_RIGHTS = text(
    """SELECT has_table_privilege(current_user, 'portal_audit', 'UPDATE, DELETE, TRUNCATE') AND NOT rolsuper
    FROM pg_roles WHERE rolname = current_user"""
)
POSTGRES_OWNER = text(
    """SELECT pg_has_role(current_user, relowner, 'USAGE') AS is_owner, pg_get_userbyid(relowner) AS owner, current_user
    FROM pg_class WHERE oid = 'portal_audit'::regclass"""
)


def missing_guards(connection: Connection) -> list[str]:
    """What of the guards is not as it was made, in words; empty if all is."""
    if connection.dialect.name == "sqlite":
        found = _sqlite_triggers(connection)
        return [
            f"the trigger {name} is missing or was changed"
            for name, sql in SQLITE_GUARDS.items()
            if _squeezed(found.get(name, "")) != sql
        ]
    row = connection.execute(POSTGRES_GUARD).one_or_none()
    faults = []
    if row is None or not row.is_on or not row.is_whole or _squeezed(row.prosrc) != POSTGRES_BODY:
        faults.append("the trigger portal_audit_append_only is missing, switched off or was changed")
    if connection.scalar(POSTGRES_RIGHTS):
        faults.append("the role of DATABASE_URL has the right to change or delete rows")
    return faults


@contextmanager
def lifted_for_deleting(connection: Connection) -> Iterator[None]:
    """Rows may be deleted inside the block. Both engines undo it with the transaction if the block does not end.

    Writers of the log wait meanwhile. Raises `ForbiddenError` on Postgres for a role that does not own the table.
    """
    if connection.dialect.name == "sqlite":
        sql = _sqlite_triggers(connection).get("portal_audit_no_delete")
        lift: list[str] = ["DROP TRIGGER portal_audit_no_delete"] if sql else []
        restore = [SQLITE_GUARDS["portal_audit_no_delete"]]
    else:
        _require_owner(connection)
        lift = [
            # Who holds a head waits for no row of the log, so that no two wait for each other.
            "LOCK TABLE audit_heads IN EXCLUSIVE MODE",
            "GRANT DELETE ON portal_audit TO CURRENT_USER",
            "ALTER TABLE portal_audit DISABLE TRIGGER portal_audit_append_only",
        ]
        restore = [
            "ALTER TABLE portal_audit ENABLE TRIGGER portal_audit_append_only",
            "REVOKE DELETE ON portal_audit FROM CURRENT_USER",
        ]
    for statement in lift:
        connection.exec_driver_sql(statement)
    yield
    for statement in restore:
        connection.exec_driver_sql(statement)


def _require_owner(connection: Connection) -> None:
    row = connection.execute(POSTGRES_OWNER).one()
    if not row.is_owner:
        raise ForbiddenError(
            f"Only the role that owns portal_audit may do this: DATABASE_URL must be that of {row.owner}, "
            f"not of {row.current_user}."
        )


def _sqlite_triggers(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'portal_audit'"
    )
    return {row.name: row.sql for row in rows}


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())
