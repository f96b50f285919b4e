"""One Customer Portal configuration for each class of customer."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NEWER = """
DELETE FROM stripe_configurations WHERE EXISTS (
    SELECT 1 FROM stripe_configurations AS other
    WHERE other.livemode = stripe_configurations.livemode
    AND (other.created_at > stripe_configurations.created_at
         OR other.created_at = stripe_configurations.created_at AND other.id > stripe_configurations.id)
)
"""
"""Only the newest of a mode was ever read; the others would be a second one of the standard class."""


def upgrade() -> None:
    op.add_column(
        "organizations",
        sa.Column("customer_class", sa.String(length=40), server_default="standard", nullable=False),
    )
    op.execute(NEWER)
    with op.batch_alter_table("stripe_configurations") as table:
        table.add_column(
            sa.Column("customer_class", sa.String(length=40), server_default="standard", nullable=False)
        )
        table.add_column(sa.Column("values", sa.JSON(), nullable=True))
        table.add_column(sa.Column("differences", sa.JSON(), nullable=True))
        table.add_column(sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True))
        table.create_unique_constraint(
            op.f("uq_stripe_configurations_customer_class"), ["customer_class", "livemode"]
        )


def downgrade() -> None:
    """Other classes are forgotten: the release before knows one configuration for everybody."""
    op.execute("DELETE FROM stripe_configurations WHERE customer_class <> 'standard'")
    with op.batch_alter_table("stripe_configurations") as table:
        table.drop_constraint(op.f("uq_stripe_configurations_customer_class"), type_="unique")
        for name in ("checked_at", "differences", "values", "customer_class"):
            table.drop_column(name)
    op.drop_column("organizations", "customer_class")
