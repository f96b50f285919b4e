"""Billing periods: months are counted from the anchor, so the 31st comes back after a short month."""

import calendar
from datetime import UTC, datetime, timedelta


def shifted(anchor: int, interval: str, count: int) -> int:
    """The anchor (Unix seconds, UTC) moved by `count` days, weeks, months or years."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval in ("day", "week"):
        return int((start + timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_after(anchor: int, start: int, interval: str, every: int) -> int:
    """The first period boundary after `start`, counting from the anchor."""
    if anchor > start:
        return anchor
    step = 1
    while shifted(anchor, interval, step * every) <= start:
        step += 1
    return shifted(anchor, interval, step * every)


def day(at: int) -> str:
    """`5 Mar 2026`, UTC."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%b %Y}"
