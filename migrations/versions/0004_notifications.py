"""What people are told in the portal, what they chose to be told, and the order in which the outbox leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WAITING = sa.text("status = 'pending'")
DEAD = sa.text("status = 'dead'")
UNREAD = sa.text("read_at IS NULL")


def upgrade() -> None:
    make_inbox()
    make_choices()
    # Every change writes here: looking the organization up once more costs more than it can find.
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_constraint(op.f("fk_outbox_organization_id_organizations"), type_="foreignkey")
    op.create_index(
        "ix_outbox_waiting",
        "outbox",
        ["channel", "recipient", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_outbox_dead", "outbox", ["id"], sqlite_where=DEAD, postgresql_where=DEAD)
    with op.batch_alter_table("invoices") as batch_op:
        batch_op.add_column(sa.Column("overdue_told_at", sa.DateTime(timezone=True)))
        batch_op.create_index("ix_invoices_due", ["status", "due_at"])


def make_inbox() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.String(length=32), nullable=True),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("message_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_notifications_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notifications_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("message_key", name=op.f("uq_notifications_message_key")),
    )
    op.create_index("ix_notifications_page", "notifications", ["user_id", "id"])
    op.create_index("ix_notifications_organization_id", "notifications", ["organization_id", "id"])
    op.create_index(
        "ix_notifications_unread", "notifications", ["user_id"], sqlite_where=UNREAD, postgresql_where=UNREAD
    )


def make_choices() -> None:
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_preferences_user_id_users")
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "audience", "event", "channel", name=op.f("pk_notification_preferences")
        ),
    )
    op.create_table(
        "notification_settings",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_settings_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notification_settings")),
    )
    op.create_table(
        "slack_subscriptions",
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_slack_subscriptions")),
    )


def downgrade() -> None:
    # The step before knows neither events nor digests: nobody there could deliver them.
    op.execute("DELETE FROM outbox WHERE channel IN ('event', 'digest', 'slack')")
    with op.batch_alter_table("invoices") as batch_op:
        batch_op.drop_index("ix_invoices_due")
        batch_op.drop_column("overdue_told_at")
    op.drop_index("ix_outbox_dead", "outbox")
    op.drop_index("ix_outbox_waiting", "outbox")
    op.execute(
        "UPDATE outbox SET organization_id = NULL WHERE organization_id NOT IN (SELECT id FROM organizations)"
    )
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.create_foreign_key(
            op.f("fk_outbox_organization_id_organizations"), "organizations", ["organization_id"], ["id"]
        )
    op.drop_table("slack_subscriptions")
    op.drop_table("notification_settings")
    op.drop_table("notification_preferences")
    op.drop_table("notifications")
