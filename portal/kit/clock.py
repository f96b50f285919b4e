"""The one place that asks for the time."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def from_timestamp(seconds: int | None) -> datetime | None:
    """An aware UTC time from Unix seconds (as Stripe sends them); None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
