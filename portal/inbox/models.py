"""Audits of the support inbox, their files, and the tickets kept of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, JSONDict, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class AuditStatus(StrEnum):
    """Where an audit stands. One that a worker is at is `running`, also while it changes hands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class FileRole(StrEnum):
    """Whether staff uploaded a file or the audit wrote it."""

    INPUT = "input"
    OUTPUT = "output"


class TicketAudit(Base):
    """One audit: what was asked, how far it is, and what came out.

    Tickets created from `since` until before `until` count; either may be open. `minute_cost_minor` is what a minute of
    an agent costs, in minor units of `currency`; None where nobody said. `is_retag`: earlier tags are replaced.
    `summary` is what `summary.json` holds, None
    until it is done; `error` says in a sentence why it failed. `progress` is in percent. `created_by` is a name.
    """

    __tablename__ = "ticket_audits"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("aud"))
    name: Mapped[str] = mapped_column(String(120))
    status: Mapped[AuditStatus] = mapped_column(default=AuditStatus.QUEUED)
    file_names: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    minute_cost_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    tagger: Mapped[str] = mapped_column(String(16))
    is_retag: Mapped[bool] = mapped_column(default=False)
    tagger_version: Mapped[str | None] = mapped_column(String(80))
    tickets: Mapped[int] = mapped_column(default=0)
    progress: Mapped[int] = mapped_column(default=0)
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSONDict)
    error: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=utcnow)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_ticket_audits_due", "status", "next_attempt_at"),
        Index("ix_ticket_audits_page", "created_at", "id"),
    )


class TicketAuditFile(Base):
    """A file of an audit. Inputs are deleted when the audit is done; outputs are what is downloaded."""

    __tablename__ = "ticket_audit_files"

    audit_id: Mapped[str] = mapped_column(ForeignKey("ticket_audits.id"), primary_key=True)
    role: Mapped[FileRole] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class InboxTicket(Base):
    """A ticket as it was last read, without personal data in clear.

    `source` and `external_id` are the help desk's. `reason` is the tagger's best, which no count may take where
    `is_unclear`, or that of the person who pinned it: then it is never unclear. Merged tickets, spam and automatic
    messages are `other`. `requester_key` is an HMAC of the lower-case address, `user_id` the portal's user with that
    address when it was stored, `organization_id` that user's organization if there was exactly one. `subject` and
    `excerpt` are stripped and redacted. `agent_minutes` is time worked. Unknown times and figures are None.
    """

    __tablename__ = "inbox_tickets"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("itk"))
    source: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    first_reply_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    solved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    agent_minutes: Mapped[float | None]
    reason: Mapped[str] = mapped_column(String(40))
    confidence: Mapped[float]
    is_unclear: Mapped[bool]
    tagger_version: Mapped[str] = mapped_column(String(80))
    text_hash: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    pinned_by: Mapped[str | None] = mapped_column(String(120))
    pinned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    language: Mapped[str] = mapped_column(String(16))
    requester_key: Mapped[str | None] = mapped_column(String(64))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id"))
    subject: Mapped[str] = mapped_column(String(200))
    excerpt: Mapped[str] = mapped_column(String(600))
    last_audit_id: Mapped[str | None] = mapped_column(ForeignKey("ticket_audits.id"))

    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_inbox_tickets_reason", "reason", "created_at"),
        Index("ix_inbox_tickets_organization_id", "organization_id", "created_at"),
        Index("ix_inbox_tickets_user_id", "user_id", "created_at"),
        Index("ix_inbox_tickets_last_audit_id", "last_audit_id", "is_unclear"),
    )
