"""Tables of people, organizations and sessions."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.database import Base, UTCDateTime
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id
from portal.permissions import Role, StaffRole

STANDARD_CLASS = "standard"
"""The customer class of organizations that nobody put in another."""


class User(Base):
    """A person who can sign in. `email` is stored lower-case."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("usr"))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    staff_role: Mapped[StaffRole | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    disabled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Organization(Base):
    """A customer of the product: the tenant that everything else belongs to.

    `customer_class` says what Stripe's portal offers it: a class of `stripe_portal.toml`. `payment_trouble` is what is
    wrong with its payments, in the words of `portal.billing.payment_trouble`. `stripe_visit_key` is the idempotency
    key of the form that last went to Stripe, at `stripe_visited_at`.
    """

    __tablename__ = "organizations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("org"))
    name: Mapped[str] = mapped_column(String(120))
    billing_email: Mapped[str] = mapped_column(String(254))
    stripe_customer_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    stripe_visited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stripe_visit_key: Mapped[str | None] = mapped_column(String(64))
    payment_trouble: Mapped[str | None] = mapped_column(String(16))
    customer_class: Mapped[str] = mapped_column(
        String(40), default=STANDARD_CLASS, server_default=STANDARD_CLASS
    )
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    __table_args__ = (Index("ix_organizations_name", "name", "id"),)


class Membership(Base):
    """A user's place in an organization. `sort_name` repeats the user's name, case-folded, for keyset pages."""

    __tablename__ = "memberships"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("mem"))
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role]
    sort_name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    user: Mapped[User] = relationship(lazy="raise")
    organization: Mapped[Organization] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        Index("ix_memberships_page", "organization_id", "sort_name", "id"),
        Index("ix_memberships_user_id", "user_id"),
        Index("ix_memberships_role", "organization_id", "role"),
    )


class UserSession(Base):
    """A sign-in on one device. Only the token's hash is kept; `organization_id` is the one being looked at.

    `proved_at` is when everything that signing in asks for was last given: password, and second factor where it is on.
    """

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: new_id("ses"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id"))
    address: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    second_factor_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    proved_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SecondFactor(Base):
    """Somebody's authenticator app (RFC 6238). There is a row exactly while it is on; `secret` is sealed.

    `last_step` is the latest time step whose code was taken: that code and those before it are refused.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200))
    confirmed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    codes_kept_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RecoveryCode(Base):
    """A code that works once in place of the authenticator app. Only its hash is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class KnownDevice(Base):
    """A browser in which somebody has signed in before: the hash of the cookie that it keeps."""

    __tablename__ = "known_devices"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)


class AttemptCounter(Base):
    """How often something guessable was tried in the present window. `key` is a hash: no address or mail is kept."""

    __tablename__ = "attempt_counters"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    window_ends_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
