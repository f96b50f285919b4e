"""Tickets of Zendesk: the objects of its export and of its incremental API, one with all that belongs to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.minutes import SecondsField
from portal.inbox.readers.options import ReadReport
from portal.inbox.readers.values import Object, Times, at, number, objects, text
from portal.inbox.ticket import Kind

MERGE_TAGS = frozenset({"closed_by_merge", "merged", "merge", "ticket_merged"})
SPAM_TAGS = frozenset({"spam", "marked_as_spam"})


class ZendeskReader:
    """Turns Zendesk's objects into drafts. `side` holds users and metric sets that came beside the tickets."""

    source = "zendesk"

    def __init__(self, seconds: SecondsField, side: Mapping[str, Mapping[str, Object]] | None = None) -> None:
        self.seconds = seconds
        self.side = side or {}

    def draft(self, ticket: Object, line: int, report: ReadReport) -> Draft | None:
        """The ticket; None for one that was deleted, which Zendesk empties."""
        if ticket.get("status") == "deleted":
            report.problem(line, "", "was deleted in Zendesk and is empty")
            return None
        times = Times(line, report)
        requester = self._person(ticket, "requester")
        metrics = at(ticket, "metric_set") or self.side.get("metric_sets", {}).get(text(ticket.get("id")), {})
        created = times.read(ticket.get("created_at"), "created_at")
        status = text(ticket.get("status"))
        solved = times.read(at(metrics, "solved_at"), "solved_at")
        return Draft(
            id=text(ticket.get("id")),
            line=line,
            created_at=created,
            first_reply_at=_first_reply(ticket, metrics, created, times),
            solved_at=solved if status in ("solved", "closed") else None,
            status=status,
            channel=text(at(ticket, "via", "channel")),
            requester_name=text(at(requester, "name")) or text(at(ticket, "via", "source", "from", "name")),
            requester_email=text(at(requester, "email"))
            or text(at(ticket, "via", "source", "from", "address")),
            assignee=text(at(self._person(ticket, "assignee"), "name")),
            agent_minutes=self.seconds.minutes(ticket),
            subject=text(ticket.get("subject")) or text(ticket.get("raw_subject")),
            body=_first_words(ticket),
            kind=_kind(ticket),
        )

    def _person(self, ticket: Object, role: str) -> Any:
        beside = self.side.get("users", {}).get(text(ticket.get(f"{role}_id")), {})
        return at(ticket, role) or beside or (at(ticket, "author") if role == "requester" else {})


def _first_words(ticket: Object) -> str:
    """The description, else the first public comment."""
    description = text(ticket.get("description"))
    if description.strip():
        return description
    first = next((each for each in objects(ticket.get("comments")) if each.get("public", True)), {})
    return (
        text(first.get("plain_body"))
        or text(first.get("body"))
        or text(first.get("html_body"))
        or text(ticket.get("content"))
    )


def _first_reply(ticket: Object, metrics: Any, created: datetime | None, times: Times) -> datetime | None:
    """When the first public comment was written that is not the requester's; without comments, by the metrics."""
    requester = ticket.get("requester_id") or at(ticket, "requester", "id")
    written = [
        times.read(each.get("created_at"), "comments.created_at")
        for each in objects(ticket.get("comments"))
        if each.get("public", True) and each.get("author_id") != requester
    ]
    found = [each for each in written if each and (created is None or each >= created)]
    if found:
        return min(found)
    minutes = number(at(metrics, "reply_time_in_minutes", "calendar"))
    return created + timedelta(minutes=minutes) if created and minutes is not None else None


def _kind(ticket: Object) -> Kind:
    tags = {tag for tag in ticket.get("tags") or () if isinstance(tag, str)}
    if tags & MERGE_TAGS or at(ticket, "via", "source", "rel") == "merge":
        return Kind.MERGED
    is_suspended = "cause" in ticket and "content" in ticket
    return Kind.SPAM if is_suspended or tags & SPAM_TAGS else Kind.REQUEST
