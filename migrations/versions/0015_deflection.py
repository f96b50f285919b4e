"""Who opened which screen on which day, and the report of each quarter."""

import sqlalchemy as sa
from alembic import op

from portal.database import JSONDict, UTCDateTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "screen_visits",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=False),
        sa.Column("screen", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_at", UTCDateTime(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_screen_visits_user_id_users")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_screen_visits_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("user_id", "organization_id", "screen", "day", name=op.f("pk_screen_visits")),
    )
    op.create_index("ix_screen_visits_screen", "screen_visits", ["screen", "first_at"])
    op.create_table(
        "deflection_reports",
        sa.Column("quarter", sa.String(length=6), nullable=False),
        sa.Column("figures", JSONDict(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("quarter", name=op.f("pk_deflection_reports")),
    )


def downgrade() -> None:
    op.drop_table("deflection_reports")
    op.drop_table("screen_visits")
