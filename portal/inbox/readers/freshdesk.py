"""Tickets of Freshdesk's API and JSON export, with requester, stats, conversations and time entries where they came."""

import re
from datetime import datetime
from typing import Any

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.options import ReadReport
from portal.inbox.readers.values import Object, Times, at, objects, text
from portal.inbox.ticket import Kind

CHANNELS = {"1": "email", "2": "portal", "3": "phone", "7": "chat", "9": "widget", "10": "outbound"}
SOLVED = frozenset({"4", "5", "resolved", "closed"})

_CLOCK = re.compile(r"(\d{1,5}):([0-5]?\d)(?::([0-5]?\d))?")
_MERGED_NOTE = re.compile(r"\b(?:closed and merged into|merged into) ticket\b", re.IGNORECASE)


def clock_minutes(value: str) -> float | None:
    """The minutes of `HH:MM` or `HH:MM:SS` (hours may pass 24), None for anything else."""
    match = _CLOCK.fullmatch(value.strip())
    if match is None:
        return None
    return int(match[1]) * 60 + int(match[2]) + int(match[3] or 0) / 60


class FreshdeskReader:
    """Turns Freshdesk's objects into drafts."""

    source = "freshdesk"

    def draft(self, ticket: Object, line: int, report: ReadReport) -> Draft | None:
        """The ticket as Freshdesk has it."""
        times = Times(line, report)
        status = text(ticket.get("status")).casefold()
        stats = at(ticket, "stats")
        solved = times.read(at(stats, "resolved_at") or at(stats, "closed_at"), "stats.resolved_at")
        source = text(ticket.get("source"))
        description = text(ticket.get("description_text"))
        return Draft(
            id=text(ticket.get("id")),
            line=line,
            created_at=times.read(ticket.get("created_at"), "created_at"),
            first_reply_at=times.read(at(stats, "first_responded_at"), "stats.first_responded_at")
            or _first_reply(ticket, times),
            solved_at=solved if status in SOLVED else None,
            status=status,
            channel=CHANNELS.get(source, source),
            requester_name=text(at(ticket, "requester", "name")),
            requester_email=text(at(ticket, "requester", "email")) or text(ticket.get("email")),
            assignee=text(at(ticket, "responder", "name")) or text(ticket.get("responder_name")),
            agent_minutes=_minutes(ticket.get("time_entries")),
            subject=text(ticket.get("subject")),
            body=text(ticket.get("description")) or description,
            is_html=bool(text(ticket.get("description"))),
            kind=_kind(ticket),
        )


def _first_reply(ticket: Object, times: Times) -> datetime | None:
    written = [
        times.read(each.get("created_at"), "conversations.created_at")
        for each in objects(ticket.get("conversations"))
        if not each.get("incoming") and not each.get("private")
    ]
    return min((each for each in written if each), default=None)


def _minutes(entries: Any) -> float | None:
    """The sum of the time entries; None where they did not come along or there are none."""
    found = [clock_minutes(text(each.get("time_spent"))) for each in objects(entries)]
    known = [each for each in found if each is not None]
    return round(sum(known), 2) if known else None


def _kind(ticket: Object) -> Kind:
    if ticket.get("spam") is True:
        return Kind.SPAM
    notes = (
        text(each.get("body_text")) for each in objects(ticket.get("conversations")) if each.get("private")
    )
    return Kind.MERGED if any(_MERGED_NOTE.search(note) for note in notes) else Kind.REQUEST
