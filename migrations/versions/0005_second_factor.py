"""Second factors, recovery codes, known devices, and what a session has proved."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("user_sessions") as batch_op:
        batch_op.add_column(sa.Column("second_factor_at", sa.DateTime(timezone=True)))
        batch_op.add_column(sa.Column("proved_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE user_sessions SET proved_at = created_at")
    with op.batch_alter_table("user_sessions") as batch_op:
        batch_op.alter_column("proved_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    create_factors()
    create_devices()


def downgrade() -> None:
    op.drop_table("known_devices")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
    with op.batch_alter_table("user_sessions") as batch_op:
        batch_op.drop_column("proved_at")
        batch_op.drop_column("second_factor_at")


def create_factors() -> None:
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("codes_kept_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id_users")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name=op.f("pk_recovery_codes")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users")),
    )


def create_devices() -> None:
    op.create_table(
        "known_devices",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "token_hash", name=op.f("pk_known_devices")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_known_devices_user_id_users")),
    )
    op.create_index(op.f("ix_known_devices_last_seen_at"), "known_devices", ["last_seen_at"])
