"""Whether something is wrong with a payment, and which form opened Stripe last."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

STANDING = """
UPDATE organizations SET payment_trouble = (
    SELECT subscriptions.status FROM subscriptions
    WHERE subscriptions.organization_id = organizations.id
    AND subscriptions.status IN ('unpaid', 'past_due', 'incomplete')
    ORDER BY CASE subscriptions.status WHEN 'unpaid' THEN 1 WHEN 'past_due' THEN 2 ELSE 3 END
    LIMIT 1
)
"""
"""What the mirror knows so far; a payment that waits to be confirmed comes with the next reading of Stripe."""


def upgrade() -> None:
    op.add_column("organizations", sa.Column("payment_trouble", sa.String(length=16), nullable=True))
    op.add_column("organizations", sa.Column("stripe_visit_key", sa.String(length=64), nullable=True))
    op.execute(STANDING)


def downgrade() -> None:
    op.drop_column("organizations", "stripe_visit_key")
    op.drop_column("organizations", "payment_trouble")
