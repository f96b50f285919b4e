"""The outbox: what is to be told to somebody outside, written with the change it tells of."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, JSONDict, UTCDateTime
from portal.kit.clock import utcnow


class Channel(StrEnum):
    """How a message leaves. EVENT becomes a message for everybody who is to be told; DIGEST waits for a daily mail."""

    EVENT = "event"
    DIGEST = "digest"
    MAIL = "mail"
    SLACK = "slack"
    STRIPE = "stripe"


class OutboxStatus(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class OutboxMessage(Base):
    """One delivery. `message_key` stays the same over retries; no secret is in `payload`."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    organization_id: Mapped[str | None] = mapped_column(String(32), index=True)
    channel: Mapped[Channel]
    topic: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(254))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONDict)
    message_key: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[OutboxStatus] = mapped_column(default=OutboxStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=utcnow)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_outbox_due", "status", "next_attempt_at"),
        Index(
            "ix_outbox_waiting",
            "channel",
            "recipient",
            "id",
            sqlite_where=sql("status = 'pending'"),
            postgresql_where=sql("status = 'pending'"),
        ),
        Index(
            "ix_outbox_dead",
            "id",
            sqlite_where=sql("status = 'dead'"),
            postgresql_where=sql("status = 'dead'"),
        ),
    )


class UserChannel(StrEnum):
    """How a person is told, as they choose it. What is told to them in the portal needs no outbox."""

    EMAIL = "email"
    IN_APP = "in-app"


class Audience(StrEnum):
    """As what a person is told: as a customer of their organizations, or as staff of all of them."""

    CUSTOMER = "customer"
    STAFF = "staff"


class Digest(StrEnum):
    """Whether mails that may wait come together, once a day."""

    NONE = "none"
    DAILY = "daily"


class Notification(Base):
    """What a person is told in the portal. `text` was written once; `link` is a path here.

    `organization_id` is None for what is about the person alone: that stays theirs when they leave an organization.
    """

    __tablename__ = "notifications"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id"))
    event: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(String(500))
    link: Mapped[str] = mapped_column(String(500))
    message_key: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        Index("ix_notifications_page", "user_id", "id"),
        Index(
            "ix_notifications_unread",
            "user_id",
            sqlite_where=sql("read_at IS NULL"),
            postgresql_where=sql("read_at IS NULL"),
        ),
        Index("ix_notifications_organization_id", "organization_id", "id"),
    )


class NotificationPreference(Base):
    """What a person chose for one event and channel. Without a row the catalogue's default holds."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    audience: Mapped[Audience] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[UserChannel] = mapped_column(primary_key=True)
    is_on: Mapped[bool]


class NotificationSettings(Base):
    """A person's choices that are about no single event."""

    __tablename__ = "notification_settings"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    digest: Mapped[Digest] = mapped_column(default=Digest.NONE)


class SlackSubscription(Base):
    """Whether the team that runs the product is told in Slack. Without a row the catalogue's default holds."""

    __tablename__ = "slack_subscriptions"

    event: Mapped[str] = mapped_column(String(64), primary_key=True)
    is_on: Mapped[bool]
    changed_by: Mapped[str] = mapped_column(String(120))
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
