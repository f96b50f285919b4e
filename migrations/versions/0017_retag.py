"""Whether an audit replaces the tags of earlier ones."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    column = sa.Column("is_retag", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("ticket_audits", column)
    with op.batch_alter_table("ticket_audits") as table:
        table.alter_column("is_retag", server_default=None)


def downgrade() -> None:
    op.drop_column("ticket_audits", "is_retag")
