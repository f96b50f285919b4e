"""The report of a quarter: made from what is stored, kept, and made anew when what it rests on has changed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from portal.deflection.models import DeflectionReport
from portal.deflection.queries import (
    active_time,
    first_ticket_at,
    known_time,
    latest_change,
    minute_cost,
    stored_reports,
    tickets_of,
    visits_noted_since,
)
from portal.deflection.rates import Figures, Opened, Prices, Told, figures_of
from portal.deflection.totals import total_saved
from portal.deflection.windows import Quarter, Span, length, quarter_of, windows_of, within
from portal.extensions import db, insert_into, release_connection
from portal.inbox.reasons import Reason, all_reasons
from portal.kit.clock import utcnow
from portal.rollout.queries import opening_histories
from portal.scope.screens import SCREENS_BY_NAME, Screen

MOST_QUARTERS = 8
MADE_AGAIN = timedelta(days=1)


def make_report(quarter: Quarter, now: datetime | None = None) -> Figures:
    """The figures of a quarter, of a running one until `now`, as JSON holds them. Reads only.

    Times are ISO 8601 in UTC, money is in minor units, None is what is not known or has no bound.
    """
    now = now or utcnow()
    cost, noted_since = minute_cost(), visits_noted_since()
    prices = Prices(*cost) if cost else Prices(None, None)
    span = (quarter.span[0], min(quarter.span[1], now))
    known = known_time()
    told = list(_told(span, known, prices, noted_since))
    return {
        "quarter": str(quarter),
        "from": span[0].isoformat(),
        "until": span[1].isoformat(),
        "is_over": quarter.span[1] <= now,
        "days_known": round(length(within(known, *span)) / timedelta(days=1), 1),
        "visits_noted_since": noted_since.isoformat() if noted_since else None,
        "minute_cost_minor": prices.minute_cost_minor,
        "currency": prices.currency,
        "reasons": [each.figures for each in told],
        "saved": total_saved(told),
    }


def _told(span: Span, known: Sequence[Span], prices: Prices, noted_since: datetime | None) -> Iterator[Told]:
    """One for each reason that a screen does, in the order of the reasons."""
    reasons = [reason for reason in all_reasons().values() if reason.opens in SCREENS_BY_NAME]
    tickets = tickets_of([reason.key for reason in reasons])
    active = active_time()
    opened = {name: _opened(SCREENS_BY_NAME[name], span, known, active) for name in _screens(reasons)}
    for reason in reasons:
        yield figures_of(reason, opened[reason.opens], tickets.get(reason.key, ()), prices, noted_since)


def _screens(reasons: Sequence[Reason]) -> set[str]:
    return {reason.opens for reason in reasons}


def _opened(screen: Screen, span: Span, known: Sequence[Span], active: dict[str, Span]) -> Opened:
    windows = {
        key: windows_of(openings, span, within(known, *active[key]))
        for key, openings in opening_histories(screen.name).items()
        if key in active
    }
    return Opened(screen, {key: found for key, found in windows.items() if found})


def store_report(figures: Figures, made_at: datetime) -> None:
    """Keep it in place of the last report of its quarter (part of the caller's transaction)."""
    values = {"quarter": figures["quarter"], "figures": figures, "made_at": made_at}
    statement = insert_into(DeflectionReport).values(values)
    new = {"figures": statement.excluded.figures, "made_at": statement.excluded.made_at}
    db.session.execute(statement.on_conflict_do_update(index_elements=["quarter"], set_=new))


@contextmanager
def reading() -> Iterator[None]:
    """Reads without the write lock of SQLite: a report takes a while. Raises `RuntimeError` after a change."""
    release_connection()
    db.session.info["reading"] = True
    try:
        yield
    finally:
        db.session.rollback()
        db.session.info["reading"] = False


def due_quarters(now: datetime) -> list[Quarter]:
    """Quarters whose report is missing or older than what it rests on, and the running one once a day; oldest first.

    Quarters without stored tickets have none, and of those before the last two years none is made again.
    """
    first = first_ticket_at()
    if first is None:
        return []
    made_at = {row.quarter: row.made_at for row in stored_reports()}
    changed, quarter, quarters = latest_change(), quarter_of(first), list[Quarter]()
    while quarter.start <= now:
        quarters.append(quarter)
        quarter = quarter.next()

    def is_due(quarter: Quarter) -> bool:
        made: datetime | None = made_at.get(str(quarter))
        if made is None or (changed is not None and made < changed <= now):
            return True
        return made < quarter.span[1] and now - made >= MADE_AGAIN

    return [quarter for quarter in quarters[-MOST_QUARTERS:] if is_due(quarter)]
