"""Flags of screens: a percentage of organizations, exceptions, and every change of them."""

import sqlalchemy as sa
from alembic import op

from portal.database import UTCDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "screen_flags",
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_screen_flags_percent")),
        sa.PrimaryKeyConstraint("screen", name=op.f("pk_screen_flags")),
    )
    op.create_table(
        "screen_flag_organizations",
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_screen_flag_organizations_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "screen", name=op.f("pk_screen_flag_organizations")),
    )
    op.create_table(
        "flag_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.String(length=32), nullable=True),
        sa.Column("is_on", sa.Boolean(), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "(percent IS NULL) <> (organization_id IS NULL)", name=op.f("ck_flag_changes_about")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_flag_changes_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_changes")),
    )
    op.create_index("ix_flag_changes_screen", "flag_changes", ["screen", "at", "id"])


def downgrade() -> None:
    op.drop_table("flag_changes")
    op.drop_table("screen_flag_organizations")
    op.drop_table("screen_flags")
