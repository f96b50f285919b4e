"""The mirror of Stripe: payment methods, credit notes, tombstones, and reconciliations.

The table `cards` stays for the release before, which reads it; `portal.models` names it as to be dropped next.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BATCH = 500
LONGEST_ID = 64
EVENTS = sa.table(
    "stripe_events",
    sa.column("id", sa.String),
    sa.column("payload", sa.Text),
    sa.column("object_id", sa.String),
)
CARDS_FROM_METHODS = """
INSERT INTO cards (stripe_id, organization_id, brand, last4, exp_month, exp_year, synced_at)
SELECT stripe_id, organization_id, brand, last4, exp_month, exp_year, synced_at
FROM payment_methods WHERE is_default AND detached_at IS NULL
ON CONFLICT DO NOTHING
"""
METHODS_FROM_CARDS = """
INSERT INTO payment_methods
    (stripe_id, organization_id, brand, last4, exp_month, exp_year, synced_at, is_default)
SELECT stripe_id, organization_id, brand, last4, exp_month, exp_year, synced_at, true
FROM cards WHERE true
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    create_payment_methods()
    create_credit_notes()
    create_reconciliations()
    for table, columns in new_columns().items():
        with op.batch_alter_table(table) as batch_op:
            for column in columns:
                batch_op.add_column(column)
    op.create_index("ix_stripe_events_page", "stripe_events", ["received_at", "id"])
    name_objects()


def downgrade() -> None:
    op.drop_index("ix_stripe_events_page", "stripe_events")
    for table, columns in reversed(new_columns().items()):
        with op.batch_alter_table(table) as batch_op:
            for column in reversed(columns):
                batch_op.drop_column(column.name)
    op.drop_table("stripe_reconciliations")
    op.drop_table("credit_notes")
    op.execute("DELETE FROM cards")
    op.execute(CARDS_FROM_METHODS)
    op.drop_table("payment_methods")


def new_columns() -> dict[str, list[sa.Column[object]]]:
    """What is not empty has a default in the database: the release before goes on inserting meanwhile."""
    return {
        "stripe_events": [
            sa.Column("object_id", sa.String(length=64)),
            sa.Column("secret_hint", sa.String(length=8)),
            sa.Column("ignored_because", sa.String(length=16)),
        ],
        "stripe_syncs": [
            sa.Column("livemode", sa.Boolean()),
            sa.Column("deleted_at", sa.DateTime(timezone=True)),
        ],
        "invoices": [
            sa.Column("refunded_minor", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("payment_state", sa.String(length=32), nullable=False, server_default=sa.text("''")),
            sa.Column("subscription_id", sa.String(length=64)),
        ],
        "subscriptions": [
            sa.Column("item_count", sa.Integer(), nullable=False, server_default="1"),
            sa.Column("item_id", sa.String(length=64)),
            sa.Column("price_id", sa.String(length=64)),
            sa.Column("product_id", sa.String(length=64)),
            sa.Column("latest_invoice_id", sa.String(length=64)),
            sa.Column("trial_ends_at", sa.DateTime(timezone=True)),
            sa.Column("ends_at", sa.DateTime(timezone=True)),
            sa.Column("discount", sa.String(length=300), nullable=False, server_default=sa.text("''")),
            sa.Column("held_schedule_id", sa.String(length=64)),
            sa.Column("held_plan_name", sa.String(length=120)),
            sa.Column("held_seats", sa.BigInteger()),
            sa.Column("held_amount_minor", sa.BigInteger()),
            sa.Column("held_interval", sa.String(length=8)),
            sa.Column("held_interval_count", sa.Integer()),
            sa.Column("held_starts_at", sa.DateTime(timezone=True)),
        ],
    }


def create_payment_methods() -> None:
    op.create_table(
        "payment_methods",
        sa.Column("stripe_id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("brand", sa.String(length=32), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("exp_month", sa.Integer()),
        sa.Column("exp_year", sa.Integer()),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True)),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f("pk_payment_methods")),
        organization("payment_methods"),
    )
    op.create_index(op.f("ix_payment_methods_organization_id"), "payment_methods", ["organization_id"])
    op.execute(METHODS_FROM_CARDS)


def create_credit_notes() -> None:
    op.create_table(
        "credit_notes",
        sa.Column("stripe_id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("invoice_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40)),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("pdf_url", sa.Text()),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f("pk_credit_notes")),
        organization("credit_notes"),
    )
    op.create_index(op.f("ix_credit_notes_invoice_id"), "credit_notes", ["invoice_id"])
    op.create_index("ix_credit_notes_page", "credit_notes", ["organization_id", "issued_at", "stripe_id"])


def create_reconciliations() -> None:
    op.create_table(
        "stripe_reconciliations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("asked_by_name", sa.String(length=120)),
        sa.Column("cursor", sa.String(length=32), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("claimed_until", sa.DateTime(timezone=True)),
        sa.Column("claimed_by", sa.String(length=64)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_reconciliations")),
    )
    op.create_index("ix_stripe_reconciliations_due", "stripe_reconciliations", ["status", "next_attempt_at"])
    op.create_index("ix_stripe_reconciliations_page", "stripe_reconciliations", ["created_at", "id"])
    is_pending = sa.text("status = 'pending'")
    op.create_index(
        "uq_stripe_reconciliations_pending",
        "stripe_reconciliations",
        ["status"],
        unique=True,
        sqlite_where=is_pending,
        postgresql_where=is_pending,
    )


def organization(table: str) -> sa.ForeignKeyConstraint:
    """The tenant that a row belongs to."""
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id_organizations")
    )


def name_objects() -> None:
    """Fill in the object of events that were kept with their content."""
    connection = op.get_bind()
    last_id = ""
    while rows := connection.execute(
        sa.select(EVENTS.c.id, EVENTS.c.payload)
        .where(EVENTS.c.id > last_id)
        .order_by(EVENTS.c.id)
        .limit(BATCH)
    ).all():
        for event_id, payload in rows:
            if found := object_of(payload):
                connection.execute(sa.update(EVENTS).where(EVENTS.c.id == event_id).values(object_id=found))
        last_id = rows[-1].id


def object_of(payload: str) -> str | None:
    """The id of the object in a stored event; None where it has none."""
    found = ((json.loads(payload).get("data") or {}).get("object") or {}).get("id")
    return found if isinstance(found, str) and len(found) <= LONGEST_ID else None
