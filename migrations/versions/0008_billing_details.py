"""Company details for invoices: address, purchase order, recipients and tax ids."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "billing_details",
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        *(
            sa.Column(name, sa.String(length=200), nullable=False)
            for name in ("line1", "line2", "city", "state", "postal_code")
        ),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("purchase_order", sa.String(length=140)),
        belongs_to_organization("billing_details"),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_billing_details")),
    )
    op.create_table(
        "invoice_recipients",
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        belongs_to_organization("invoice_recipients"),
        sa.PrimaryKeyConstraint("organization_id", "email", name=op.f("pk_invoice_recipients")),
    )
    create_tax_ids()


def downgrade() -> None:
    op.drop_table("tax_ids")
    op.drop_table("invoice_recipients")
    op.drop_table("billing_details")


def belongs_to_organization(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_organization_id_organizations")
    return sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=name)


def create_tax_ids() -> None:
    moments = ("next_attempt_at", "claimed_until", "checked_at", "pushed_at", "deleted_at")
    op.create_table(
        "tax_ids",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("stripe_id", sa.String(length=64)),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("verification", sa.String(length=16)),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("registered_name", sa.String(length=200)),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(length=64)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in moments),
        belongs_to_organization("tax_ids"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_ids")),
        sa.UniqueConstraint("stripe_id", name=op.f("uq_tax_ids_stripe_id")),
    )
    op.create_index("ix_tax_ids_organization_id", "tax_ids", ["organization_id", "created_at"])
    op.create_index(
        "ix_tax_ids_due",
        "tax_ids",
        ["next_attempt_at"],
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
