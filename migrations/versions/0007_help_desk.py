"""Tickets that were opened in a help desk."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "tickets_seen",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times_shown", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_tickets_seen_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tickets_seen_user_id_users")),
        sa.PrimaryKeyConstraint("source", "ticket_id", "organization_id", name=op.f("pk_tickets_seen")),
    )
    op.create_index("ix_tickets_seen_organization_id", "tickets_seen", ["organization_id", "last_seen_at"])


def downgrade() -> None:
    op.drop_table("tickets_seen")
