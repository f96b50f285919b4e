"""Nudges: who was to be told of which screen, and what came of it."""

import sqlalchemy as sa
from alembic import op

from portal.database import UTCDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "nudges",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("group", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=32), nullable=False),
        sa.Column("wrote_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("mailed_at", UTCDateTime(), nullable=True),
        sa.Column("shown_at", UTCDateTime(), nullable=True),
        sa.Column("dismissed_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_nudges_user_id_users")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_nudges_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["inbox_tickets.id"], name=op.f("fk_nudges_ticket_id_inbox_tickets")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nudges")),
        sa.UniqueConstraint("user_id", "screen", name=op.f("uq_nudges_user_id")),
    )
    told = sa.text("mailed_at IS NOT NULL")
    op.create_index(
        "ix_nudges_one_mail", "nudges", ["user_id"], unique=True, sqlite_where=told, postgresql_where=told
    )


def downgrade() -> None:
    op.drop_table("nudges")
