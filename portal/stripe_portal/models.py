"""The Customer Portal configurations that we made."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, JSONDict, UTCDateTime
from portal.identity.models import STANDARD_CLASS
from portal.kit.clock import utcnow
from portal.kit.tokens import new_id


class StripeConfiguration(Base):
    """The Customer Portal configuration of one class of customer in one mode, as `flask stripe configure` left it.

    `values` is what was written to Stripe, with ids in place of lookup keys. `differences` is what the last check
    found changed there since, as lines for people; None before the first check. `portal.stripe_portal.pinned` keeps a
    note among the rows.
    """

    __tablename__ = "stripe_configurations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: new_id("cfg"))
    customer_class: Mapped[str] = mapped_column(
        String(40), default=STANDARD_CLASS, server_default=STANDARD_CLASS
    )
    stripe_id: Mapped[str] = mapped_column(String(64), unique=True)
    livemode: Mapped[bool]
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONDict)
    differences: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    __table_args__ = (UniqueConstraint("customer_class", "livemode"),)
