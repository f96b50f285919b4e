"""Hands on the log past its guards, as somebody with the database's own keys has them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.chain import audit_keys
from portal.audit.findings import Report
from portal.audit.heads import Head, all_heads
from portal.audit.service import Change, record
from portal.audit.verify import snapshot, verify_log
from portal.context import current_settings
from portal.extensions import db

CONTENT = "actor_name, action, entity_type, entity_id, entity_name, before, after, created_at"
SQLITE_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'portal_audit'"


def write(actor: Actor, count: int, start: int = 1) -> None:
    """Rows in the actor's chain, each with a commit of its own."""
    for number in range(start, start + count):
        change = Change("thing", f"thing_{number}", f"Thing {number}", {"n": number - 1}, {"n": number})
        record(actor, Action.API_KEY_CREATED, change)
        db.session.commit()


@contextmanager
def unguarded() -> Iterator[Connection]:
    """A committing connection to the log without its guards, which are put back as they were."""
    db.session.rollback()
    with db.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            triggers = connection.exec_driver_sql(SQLITE_TRIGGERS).all()
            lift = [f"DROP TRIGGER {name}" for name, _ in triggers]
            restore = [sql for _, sql in triggers]
        else:
            lift = [
                "ALTER TABLE portal_audit DISABLE TRIGGER ALL",
                "ALTER TABLE portal_audit DROP CONSTRAINT uq_portal_audit_chain",
            ]
            restore = [
                "ALTER TABLE portal_audit ENABLE TRIGGER ALL",
                "ALTER TABLE portal_audit ADD CONSTRAINT uq_portal_audit_chain UNIQUE (chain, position)",
            ]
        for statement in lift:
            connection.exec_driver_sql(statement)
        yield connection
        for statement in restore:
            connection.exec_driver_sql(statement)


def run(connection: Connection, sql: str, **values: object) -> None:
    """A statement that hits something."""
    assert connection.execute(text(sql), values).rowcount, sql


def move(connection: Connection, chain: str, source: int, target: int) -> None:
    """Give the row at one position another one; nothing may be there."""
    sql = "UPDATE portal_audit SET position = :target WHERE chain = :chain AND position = :source"
    run(connection, sql, chain=chain, source=source, target=target)


def forge(connection: Connection, chain: str, position: int, copied_from: int) -> None:
    """Put in a row that the portal has not written, made after another one."""
    columns = "organization_id, actor_kind, actor_id, key_id, previous_hash, hash"
    sql = (
        f"INSERT INTO portal_audit (chain, position, {columns}, {CONTENT}) "
        f"SELECT chain, :position, {columns}, {CONTENT.replace('actor_name', ':name', 1)} "
        "FROM portal_audit WHERE chain = :chain AND position = :source"
    )
    run(connection, sql, chain=chain, position=position, source=copied_from, name="Somebody else")


def heads() -> dict[str, Head]:
    """The heads as they are now."""
    with snapshot(db.engine) as connection:
        return all_heads(connection)


def verified(exported: dict[str, Head] | None = None) -> Report:
    """What a check says."""
    db.session.rollback()
    with snapshot(db.engine) as connection:
        return verify_log(connection, audit_keys(current_settings()), exported)


def named(report: Report, chain: str) -> list[tuple[str, int | None]]:
    """Kind and position of every finding; each must be about this chain."""
    assert {finding.chain for finding in report.findings} <= {chain}, report.findings
    assert report.found == len(report.findings)
    return [(finding.kind.value, finding.position) for finding in report.findings]
