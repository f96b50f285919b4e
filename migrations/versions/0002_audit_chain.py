"""The audit log becomes append-only and chained by hash.

Rows of before are chained in the order of their ids, with the key of `AUDIT_SECRETS` (else `SECRET_KEY`).
"""

from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.audit.chain import START, audit_keys, row_hash
from portal.context import current_settings

revision = "0002"
down_revision = "0001"

BATCH = 500
OLD_FIELDS = (
    "organization_id",
    "actor_kind",
    "actor_id",
    "actor_name",
    "action",
    "entity_type",
    "entity_id",
    "entity_name",
    "address",
    "agent",
    "request_id",
)
LOG = sa.table(
    "portal_audit",
    sa.column("id", sa.BigInteger),
    *(sa.column(name, sa.String) for name in (*OLD_FIELDS, "chain", "key_id", "previous_hash", "hash")),
    sa.column("position", sa.BigInteger),
    sa.column("before", sa.JSON(none_as_null=True)),
    sa.column("after", sa.JSON(none_as_null=True)),
    sa.column("reason", sa.Text),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
HEADS = sa.table(
    "audit_heads",
    sa.column("chain", sa.String),
    sa.column("position", sa.BigInteger),
    sa.column("hash", sa.String),
)
# REPLACE deletes without asking a DELETE trigger unless the connection says otherwise, so an insert over a row is
# refused too.
REFUSE = "BEGIN SELECT RAISE(ABORT, 'portal_audit is append-only'); END"
SQLITE_GUARDS = (
    f"CREATE TRIGGER portal_audit_no_update BEFORE UPDATE ON portal_audit {REFUSE}",
    f"CREATE TRIGGER portal_audit_no_delete BEFORE DELETE ON portal_audit {REFUSE}",
    f"""CREATE TRIGGER portal_audit_no_replace BEFORE INSERT ON portal_audit
    WHEN EXISTS (SELECT 1 FROM portal_audit WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM portal_audit WHERE chain = NEW.chain AND position = NEW.position) {REFUSE}""",  # noqa: S608
)
POSTGRES_GUARDS = (
    """CREATE FUNCTION portal_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'portal_audit is append-only' USING ERRCODE = 'insufficient_privilege'; END $$""",
    """CREATE TRIGGER portal_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portal_audit
    FOR EACH STATEMENT EXECUTE FUNCTION portal_audit_refuse()""",
    "REVOKE UPDATE, DELETE, TRUNCATE ON portal_audit FROM PUBLIC, CURRENT_USER",
)


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("chain", sa.String(length=32), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_heads")),
    )
    with op.batch_alter_table("portal_audit") as batch_op:
        batch_op.drop_constraint(op.f("fk_portal_audit_organization_id_organizations"), type_="foreignkey")
        batch_op.add_column(sa.Column("chain", sa.String(length=32)))
        batch_op.add_column(sa.Column("position", sa.BigInteger()))
        batch_op.add_column(sa.Column("reason", sa.Text()))
        batch_op.add_column(sa.Column("key_id", sa.String(length=8)))
        batch_op.add_column(sa.Column("previous_hash", sa.String(length=64)))
        batch_op.add_column(sa.Column("hash", sa.String(length=64)))
    chain_old_rows()
    with op.batch_alter_table("portal_audit") as batch_op:
        for name, kind in (
            ("chain", sa.String(length=32)),
            ("position", sa.BigInteger()),
            ("key_id", sa.String(length=8)),
            ("previous_hash", sa.String(length=64)),
            ("hash", sa.String(length=64)),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_unique_constraint(op.f("uq_portal_audit_chain"), ["chain", "position"])
        batch_op.drop_index("ix_portal_audit_organization_id")
        batch_op.create_index("ix_portal_audit_organization_id", ["organization_id", "created_at", "id"])
        batch_op.create_index("ix_portal_audit_actor_id", ["actor_id", "created_at", "id"])
        batch_op.create_index("ix_portal_audit_created_at", ["created_at", "id"])
    for statement in SQLITE_GUARDS if _is_sqlite() else POSTGRES_GUARDS:
        op.execute(statement)


def downgrade() -> None:
    if _is_sqlite():
        for name in ("no_update", "no_delete", "no_replace"):
            op.execute(f"DROP TRIGGER portal_audit_{name}")
    else:
        op.execute("GRANT UPDATE, DELETE, TRUNCATE ON portal_audit TO CURRENT_USER")
        op.execute("DROP TRIGGER portal_audit_append_only ON portal_audit")
        op.execute("DROP FUNCTION portal_audit_refuse()")
    # Organizations that are gone have no row to point at any more.
    op.execute(
        "UPDATE portal_audit SET organization_id = NULL "
        "WHERE organization_id NOT IN (SELECT id FROM organizations)"
    )
    with op.batch_alter_table("portal_audit") as batch_op:
        batch_op.drop_index("ix_portal_audit_created_at")
        batch_op.drop_index("ix_portal_audit_actor_id")
        batch_op.drop_index("ix_portal_audit_organization_id")
        batch_op.create_index("ix_portal_audit_organization_id", ["organization_id", "id"])
        batch_op.drop_constraint(op.f("uq_portal_audit_chain"), type_="unique")
        for name in ("chain", "position", "reason", "key_id", "previous_hash", "hash"):
            batch_op.drop_column(name)
        batch_op.create_foreign_key(
            op.f("fk_portal_audit_organization_id_organizations"),
            "organizations",
            ["organization_id"],
            ["id"],
        )
    op.drop_table("audit_heads")


def chain_old_rows() -> None:
    """Number and hash what is there, in the order in which it was written."""
    connection = op.get_bind()
    key = next(iter(audit_keys(current_settings()).values()))
    heads: dict[str, tuple[int, str]] = {}
    last_id = 0
    while (
        rows := connection.execute(sa.select(LOG).where(LOG.c.id > last_id).order_by(LOG.c.id).limit(BATCH))
        .mappings()
        .all()
    ):
        for row in rows:
            values: dict[str, Any] = dict(row)
            chain = values["organization_id"] or values["actor_id"] or "portal"
            position, previous = heads.get(chain, (0, START))
            made = values["created_at"]
            values.update(
                chain=chain,
                position=position + 1,
                previous_hash=previous,
                key_id=key.id,
                created_at=made.replace(tzinfo=UTC) if made.tzinfo is None else made,
            )
            digest = row_hash(key, values)
            heads[chain] = (position + 1, digest)
            new = {name: values[name] for name in ("chain", "position", "previous_hash", "key_id")}
            connection.execute(sa.update(LOG).where(LOG.c.id == values["id"]).values(**new, hash=digest))
        last_id = rows[-1]["id"]
    if heads:
        connection.execute(
            sa.insert(HEADS),
            [{"chain": chain, "position": head[0], "hash": head[1]} for chain, head in heads.items()],
        )


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
