"""The audit tables. `portal_audit` is append-only in the database itself; see migration 0002."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.actor import ActorKind
from portal.database import Base, JSONDict, UTCDateTime


class AuditEntry(Base):
    """One change: who, what, before and after. Written in the transaction of the change, never changed.

    `chain` is the organization's id, else the acting person's, else "portal"; each chain is numbered from 1 by
    `position` and every `hash` covers the one before it. No foreign key: the log outlives what it tells of.
    """

    __tablename__ = "portal_audit"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    chain: Mapped[str] = mapped_column(String(32))
    position: Mapped[int] = mapped_column(BigInteger)
    organization_id: Mapped[str | None] = mapped_column(String(32))
    actor_kind: Mapped[ActorKind]
    actor_id: Mapped[str | None] = mapped_column(String(32))
    actor_name: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(64))
    entity_type: Mapped[str] = mapped_column(String(32))
    entity_id: Mapped[str] = mapped_column(String(64))
    entity_name: Mapped[str] = mapped_column(String(254))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONDict)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONDict)
    reason: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(300))
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    key_id: Mapped[str] = mapped_column(String(8))
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("chain", "position"),
        Index("ix_portal_audit_organization_id", "organization_id", "created_at", "id"),
        Index("ix_portal_audit_actor_id", "actor_id", "created_at", "id"),
        Index("ix_portal_audit_created_at", "created_at", "id"),
    )


class AuditHead(Base):
    """The last row of each chain. Locked by whoever appends, so a chain has one writer at a time."""

    __tablename__ = "audit_heads"

    chain: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
