"""What nudging brought: people who were told against those who were not, with the difference's 95 % interval."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from sqlalchemy import case, func, select

from portal.database import AnyRow
from portal.deflection.intervals import NORMAL_95
from portal.deflection.models import ScreenVisit
from portal.deflection.queries import known_time
from portal.deflection.windows import Span, length, within
from portal.extensions import db
from portal.inbox.models import InboxTicket
from portal.nudges.models import Nudge, NudgeGroup

WROTE_WITHIN, USED_WITHIN = timedelta(days=60), timedelta(days=30)
LEAST_PEOPLE = 20
"""In each group; with fewer nothing is said."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of these people did something."""

    people: int
    count: int

    @property
    def rate(self) -> float:
        """From 0 to 1; 0 of nobody."""
        return self.count / self.people if self.people else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's 95 % score interval (Wilson 1927). There must be people."""
        square, middle = NORMAL_95**2, self.count + NORMAL_95**2 / 2
        spread = NORMAL_95 * sqrt(self.count * (1 - self.rate) + square / 4)
        low, high = (middle - spread) / (self.people + square), (middle + spread) / (self.people + square)
        return max(low, 0.0), min(high, 1.0)


@dataclass(frozen=True, slots=True)
class Difference:
    """The nudged share less that of the control group, with its 95 % bounds, from -1 to 1."""

    value: float
    low: float
    high: float


def difference(nudged: Share, control: Share) -> Difference | None:
    """By Newcombe's method of the two Wilson intervals (1998, method 10); None where there are too few to say."""
    if min(nudged.people, control.people) < LEAST_PEOPLE:
        return None
    value = nudged.rate - control.rate
    (low, high), (control_low, control_high) = nudged.bounds, control.bounds
    below = sqrt((nudged.rate - low) ** 2 + (control_high - control.rate) ** 2)
    above = sqrt((high - nudged.rate) ** 2 + (control.rate - control_low) ** 2)
    return Difference(value, value - below, value + above)


def lift(now: datetime) -> dict[str, Any]:
    """The figures, as JSON holds them. Reads only.

    Everybody decided about counts in the group they were put in, whether a mail reached them or not, and once, by the
    first nudge: so the groups differ by chance alone. `wrote_again` counts whose 60 days are over and whose tickets of
    that time are known, `used_screen` whose 30 days are over.
    """
    rows = _people()
    known = known_time()
    wrote = [row for row in rows if _is_known(known, row.decided_at, now)]
    used = [row for row in rows if row.decided_at + USED_WITHIN <= now]
    return {
        **_counts(),
        "people": len(rows),
        "outcomes": [
            _outcome("wrote_again", "Wrote again about it", WROTE_WITHIN, wrote, "ticket_at"),
            _outcome("used_screen", "Used the screen", USED_WITHIN, used, "used_at"),
        ],
        "least_people": LEAST_PEOPLE,
    }


def _people() -> Collection[AnyRow]:
    """One row a person, of their first nudge: the one they wrote about last where several were decided at once."""
    ticket_at = select(func.min(InboxTicket.created_at)).where(
        InboxTicket.user_id == Nudge.user_id,
        InboxTicket.reason == Nudge.reason,
        InboxTicket.is_unclear.is_(False),
        InboxTicket.created_at > Nudge.decided_at,
    )
    moment = case((ScreenVisit.first_at > Nudge.decided_at, ScreenVisit.first_at), else_=ScreenVisit.last_at)
    used_at = select(func.min(moment)).where(
        ScreenVisit.user_id == Nudge.user_id,
        ScreenVisit.screen == Nudge.screen,
        ScreenVisit.last_at > Nudge.decided_at,
    )
    columns = (Nudge.user_id, Nudge.group, Nudge.decided_at)
    statement = select(
        *columns, ticket_at.scalar_subquery().label("ticket_at"), used_at.scalar_subquery().label("used_at")
    ).order_by(Nudge.decided_at, Nudge.wrote_at.desc(), Nudge.id)
    first: dict[str, AnyRow] = {}
    for row in db.session.execute(statement):
        first.setdefault(row.user_id, row)
    return first.values()


def _is_known(known: Sequence[Span], start: datetime, now: datetime) -> bool:
    """Whether the 60 days are over and all their tickets have been read."""
    end = start + WROTE_WITHIN
    return end <= now and length(within(known, start, end)) >= WROTE_WITHIN


def _outcome(name: str, label: str, period: timedelta, rows: Sequence[AnyRow], moment: str) -> dict[str, Any]:
    nudged, control = (_share(rows, group, period, moment) for group in NudgeGroup)
    found = difference(nudged, control)
    return {
        "name": name,
        "label": label,
        "days": period.days,
        "nudged": {"people": nudged.people, "count": nudged.count},
        "control": {"people": control.people, "count": control.count},
        "is_enough": found is not None,
        "difference": found.value if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
    }


def _share(rows: Iterable[AnyRow], group: NudgeGroup, period: timedelta, moment: str) -> Share:
    mine = [row for row in rows if row.group is group]
    times = [(getattr(row, moment), row.decided_at) for row in mine]
    return Share(len(mine), sum(at is not None and at <= decided + period for at, decided in times))


def _counts() -> dict[str, int]:
    """Nudges, not people: decided, kept untold, and what became of the others."""
    row = db.session.execute(
        select(
            func.count(),
            func.count(case((Nudge.group == NudgeGroup.CONTROL, 1))),
            func.count(Nudge.mailed_at),
            func.count(Nudge.shown_at),
            func.count(Nudge.dismissed_at),
        ).select_from(Nudge)
    ).one()
    return dict(zip(("decided", "untold", "mails", "notes_shown", "notes_dismissed"), row, strict=True))
