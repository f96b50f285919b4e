"""Audits of the inbox, their files, and the tickets kept of them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "ticket_audits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("file_names", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minute_cost_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tagger", sa.String(length=16), nullable=False),
        sa.Column("tagger_version", sa.String(length=80), nullable=True),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_audits")),
    )
    op.create_index("ix_ticket_audits_due", "ticket_audits", ["status", "next_attempt_at"])
    op.create_index("ix_ticket_audits_page", "ticket_audits", ["created_at", "id"])

    op.create_table(
        "inbox_tickets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_reply_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_minutes", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("is_unclear", sa.Boolean(), nullable=False),
        sa.Column("tagger_version", sa.String(length=80), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("pinned_by", sa.String(length=120), nullable=True),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("requester_key", sa.String(length=64), nullable=True),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("organization_id", sa.String(length=32), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("excerpt", sa.String(length=600), nullable=False),
        sa.Column("last_audit_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["last_audit_id"], ["ticket_audits.id"], name=op.f("fk_inbox_tickets_last_audit_id_ticket_audits")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_inbox_tickets_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_inbox_tickets_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_tickets")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_inbox_tickets_source")),
    )
    op.create_index("ix_inbox_tickets_last_audit_id", "inbox_tickets", ["last_audit_id", "is_unclear"])
    op.create_index("ix_inbox_tickets_organization_id", "inbox_tickets", ["organization_id", "created_at"])
    op.create_index("ix_inbox_tickets_reason", "inbox_tickets", ["reason", "created_at"])
    op.create_index("ix_inbox_tickets_user_id", "inbox_tickets", ["user_id", "created_at"])

    op.create_table(
        "ticket_audit_files",
        sa.Column("audit_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["ticket_audits.id"], name=op.f("fk_ticket_audit_files_audit_id_ticket_audits")
        ),
        sa.PrimaryKeyConstraint("audit_id", "role", "name", name=op.f("pk_ticket_audit_files")),
    )


def downgrade() -> None:
    op.drop_table("ticket_audit_files")
    op.drop_table("inbox_tickets")
    op.drop_table("ticket_audits")
