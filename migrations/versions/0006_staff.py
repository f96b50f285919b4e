"""What staff search by and do: views of customers, recoveries of accounts, and the customer of a Stripe event."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BATCH = 500
LONGEST_CUSTOMER = 64
EVENTS = sa.table(
    "stripe_events",
    sa.column("id", sa.String),
    sa.column("type", sa.String),
    sa.column("payload", sa.Text),
    sa.column("customer_id", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("stripe_events") as batch_op:
        batch_op.add_column(sa.Column("customer_id", sa.String(length=64)))
        batch_op.create_index("ix_stripe_events_customer_id", ["customer_id", "created_at"])
    name_customers()
    for table, name, columns in SEARCHED:
        op.create_index(name, table, columns)
    create_views()
    create_recoveries()


def downgrade() -> None:
    op.drop_table("recoveries")
    op.drop_table("staff_views")
    for table, name, _columns in SEARCHED:
        op.drop_index(name, table)
    with op.batch_alter_table("stripe_events") as batch_op:
        batch_op.drop_index("ix_stripe_events_customer_id")
        batch_op.drop_column("customer_id")


SEARCHED = (
    ("invoices", "ix_invoices_number", ["number"]),
    ("api_keys", "ix_api_keys_prefix", ["prefix"]),
    ("invitations", "ix_invitations_email", ["email"]),
)


def create_views() -> None:
    op.create_table(
        "staff_views",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_views")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_staff_views_user_id_users")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_staff_views_organization_id_organizations"),
        ),
    )
    op.create_index("uq_staff_views_open", "staff_views", ["user_id"], unique=True, **only_where("ended_at"))


def create_recoveries() -> None:
    op.create_table(
        "recoveries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by_id", sa.String(length=32), nullable=False),
        sa.Column("asked_by_name", sa.String(length=120), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by_id", sa.String(length=32)),
        sa.Column("approved_by_name", sa.String(length=120)),
        sa.Column("approved_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("closed_by_name", sa.String(length=120)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recoveries")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_recoveries_token_hash")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recoveries_user_id_users")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_recoveries_organization_id_organizations"),
        ),
    )
    op.create_index(op.f("ix_recoveries_organization_id"), "recoveries", ["organization_id"])
    op.create_index(op.f("ix_recoveries_due_at"), "recoveries", ["due_at"])
    op.create_index("uq_recoveries_open", "recoveries", ["user_id"], unique=True, **only_where("closed_at"))


def only_where(column: str) -> dict[str, Any]:
    """The part of a table that an index holds: rows in which `column` is still empty."""
    condition = sa.text(f"{column} IS NULL")
    return {"sqlite_where": condition, "postgresql_where": condition}


def name_customers() -> None:
    """Fill in the customer of events that were kept with their content."""
    connection = op.get_bind()
    last_id = ""
    while rows := connection.execute(
        sa.select(EVENTS.c.id, EVENTS.c.payload)
        .where(EVENTS.c.id > last_id)
        .order_by(EVENTS.c.id)
        .limit(BATCH)
    ).all():
        for event_id, payload in rows:
            if customer := customer_of(payload):
                connection.execute(
                    sa.update(EVENTS).where(EVENTS.c.id == event_id).values(customer_id=customer)
                )
        last_id = rows[-1].id


def customer_of(payload: str) -> str | None:
    """The customer that a stored event names; None where it names none."""
    data = json.loads(payload).get("data") or {}
    about = data.get("object") or {}
    earlier = data.get("previous_attributes") or {}
    found = (
        about.get("id")
        if about.get("object") == "customer"
        else about.get("customer") or earlier.get("customer")
    )
    return found if isinstance(found, str) and len(found) <= LONGEST_CUSTOMER else None
