"""The one place that asks for the time."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def moment(seconds: int) -> datetime:
    """An aware UTC time from Unix seconds, as Stripe sends them."""
    return datetime.fromtimestamp(seconds, UTC)


def from_timestamp(seconds: int | None) -> datetime | None:
    """`moment`, for values that may be absent."""
    return None if seconds is None else moment(seconds)
