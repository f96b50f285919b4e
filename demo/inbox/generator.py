"""Composes tickets out of `phrases.toml`: the same seed gives the same tickets."""

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from demo.inbox import letters
from demo.inbox.people import Requester, requesters
from portal.kit.csv import csv_lines

PHRASES = Path(__file__).with_name("phrases.toml")
SEED = 90_210
DAYS, TICKETS_A_DAY = 90, 3.9
FIRST_ID = 41_000
SOLVED_SHARE = 0.93
MERGED_SHARE, AWAY_SHARE = 0.02, 0.025
AGENTS = ("Sam Carter", "Ida Moreau", "Ollie Grant")
CHANNELS = ("email", "email", "email", "web", "chat")
COLUMNS = (
    "id",
    "created_at",
    "first_reply_at",
    "solved_at",
    "status",
    "channel",
    "requester_name",
    "requester_email",
    "assignee",
    "minutes_worked",
    "subject",
    "body",
)
Arrives = Callable[[str, Requester, datetime], bool]
"""Whether a ticket of this reason, from this person, at this time is written at all."""


@dataclass(frozen=True, slots=True)
class DemoTicket:
    """One ticket. `reason` is why it was composed; the CSV does not say so. Times are aware UTC."""

    id: str
    created_at: datetime
    first_reply_at: datetime | None
    solved_at: datetime | None
    status: str
    channel: str
    requester: Requester
    assignee: str
    minutes_worked: int
    subject: str
    body: str
    reason: str


@cache
def phrases() -> dict[str, dict[str, Any]]:
    """What is written for each reason."""
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def _everything(_reason: str, _requester: Requester, _at: datetime) -> bool:
    return True


def demo_tickets(
    until: datetime, days: int = DAYS, *, seed: int = SEED, arrives: Arrives = _everything
) -> list[DemoTicket]:
    """Tickets of the `days` before `until` (aware UTC), oldest first; those that `arrives` refuses are left out.

    Refusing one changes none of the others.
    """
    rng = Random(seed)  # noqa: S311  # nosec B311: words for a demo
    start = until - timedelta(days=days)
    moments = sorted(start + timedelta(seconds=rng.uniform(0, days * 86_400)) for _ in range(_count(days)))
    found = (
        _ticket(number, at.replace(microsecond=0), Random(rng.random()), until)  # noqa: S311  # nosec B311
        for number, at in enumerate(moments)
    )
    return [ticket for ticket in found if arrives(ticket.reason, ticket.requester, ticket.created_at)]


def _count(days: int) -> int:
    return round(days * TICKETS_A_DAY)


def _ticket(number: int, at: datetime, rng: Random, until: datetime) -> DemoTicket:
    reasons = phrases()
    reason = rng.choices(list(reasons), [row["weight"] for row in reasons.values()])[0]
    row, requester = reasons[reason], rng.choice(requesters())
    language = requester.language if requester.language in row else "en"
    subject, body = letters.compose(rng.choice(row[language]), language, requester, at, rng)
    status = "merged" if rng.random() < MERGED_SHARE else "solved"
    if rng.random() < AWAY_SHARE:
        reason, row = "other", reasons["other"]
        subject, body = letters.away(requester, at)
    solved_at = (at + timedelta(hours=_around(row["hours"], 0.8, rng))).replace(microsecond=0)
    is_solved = rng.random() < SOLVED_SHARE and solved_at <= until
    if not is_solved and status == "solved":
        status = "open"
    return DemoTicket(
        id=str(FIRST_ID + number),
        created_at=at,
        first_reply_at=_if_past(at + (solved_at - at) * rng.uniform(0.15, 0.6), until),
        solved_at=solved_at if is_solved else None,
        status=status,
        channel=rng.choice(CHANNELS),
        requester=requester,
        assignee=rng.choice(AGENTS),
        minutes_worked=max(1, round(_around(row["minutes"], 0.45, rng))),
        subject=subject,
        body=body,
        reason="other" if status == "merged" else reason,
    )


def _if_past(at: datetime, until: datetime) -> datetime | None:
    return at.replace(microsecond=0) if at <= until else None


def _around(median: float, spread: float, rng: Random) -> float:
    """A draw whose median is `median` and that is skewed as times are."""
    return median * math.exp(rng.gauss(0, spread))


def inbox_csv(tickets: list[DemoTicket]) -> bytes:
    """The tickets as the CSV of a help desk, in UTF-8."""
    return b"".join(csv_lines(COLUMNS, _rows(tickets)))


def _rows(tickets: list[DemoTicket]) -> Iterator[list[str | int]]:
    for ticket in tickets:
        yield [
            ticket.id,
            _time(ticket.created_at),
            _time(ticket.first_reply_at),
            _time(ticket.solved_at),
            ticket.status,
            ticket.channel,
            ticket.requester.name,
            ticket.requester.email,
            ticket.assignee,
            ticket.minutes_worked,
            ticket.subject,
            ticket.body,
        ]


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
