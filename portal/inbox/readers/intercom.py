"""Conversations of Intercom, as its API gives them: times are seconds since 1970, bodies HTML."""

from datetime import datetime

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.options import ReadReport
from portal.inbox.readers.values import Object, Times, at, number, objects, text
from portal.inbox.ticket import Kind

MERGED_AWAY = "merged_secondary_conversation"
OUTBOUND = frozenset({"admin_initiated", "campaigns_initiated", "automated"})


class IntercomReader:
    """Turns conversations into drafts."""

    source = "intercom"

    def draft(self, conversation: Object, line: int, report: ReadReport) -> Draft | None:
        """The conversation; the request is its source, or the customer's first part where the company wrote first."""
        times = Times(line, report)
        parts = list(objects(at(conversation, "conversation_parts", "conversation_parts")))
        first = _request(conversation, parts)
        author = at(first, "author") or {}
        title = text(at(conversation, "source", "subject")) or text(conversation.get("title"))
        state = text(conversation.get("state"))
        closed = times.read(at(conversation, "statistics", "last_close_at"), "statistics.last_close_at")
        return Draft(
            id=text(conversation.get("id")),
            line=line,
            created_at=times.read(conversation.get("created_at"), "created_at"),
            first_reply_at=_first_reply(conversation, parts, times),
            solved_at=(closed or _closed_part(parts, times)) if state == "closed" else None,
            status=state,
            channel=_channel(text(at(conversation, "source", "type"))),
            requester_name=text(at(author, "name")),
            requester_email=text(at(author, "email")),
            assignee=_assignee(conversation, parts),
            agent_minutes=_minutes(conversation),
            subject=title,
            body=text(first.get("body")),
            is_html=True,
            kind=_kind(conversation, parts),
        )


def _is_admin(part: Object) -> bool:
    return at(part, "author", "type") in ("admin", "team")


def _request(conversation: Object, parts: list[Object]) -> Object:
    source: Object = conversation.get("source") or {}
    if source.get("delivered_as") in OUTBOUND or at(source, "author", "type") in ("admin", "team", "bot"):
        theirs = (
            each
            for each in parts
            if at(each, "author", "type") in ("user", "lead", "contact") and each.get("body")
        )
        return next(theirs, source)
    return source


def _first_reply(conversation: Object, parts: list[Object], times: Times) -> datetime | None:
    counted = times.read(
        at(conversation, "statistics", "first_admin_reply_at"), "statistics.first_admin_reply_at"
    )
    if counted:
        return counted
    reply = next((each for each in parts if each.get("part_type") == "comment" and _is_admin(each)), {})
    return times.read(reply.get("created_at"), "conversation_parts.created_at")


def _closed_part(parts: list[Object], times: Times) -> datetime | None:
    closes = [each.get("created_at") for each in parts if each.get("part_type") == "close"]
    return times.read(closes[-1], "conversation_parts.created_at") if closes else None


def _assignee(conversation: Object, parts: list[Object]) -> str:
    wanted = text(conversation.get("admin_assignee_id"))
    admins = [at(each, "author") for each in parts if _is_admin(each)]
    known = {text(at(admin, "id")): text(at(admin, "name")) for admin in admins}
    return known.get(wanted, "")


def _channel(kind: str) -> str:
    return "chat" if kind == "conversation" else kind


def _minutes(conversation: Object) -> float | None:
    seconds = number(at(conversation, "statistics", "handling_time"))
    return None if seconds is None else round(seconds / 60, 2)


def _kind(conversation: Object, parts: list[Object]) -> Kind:
    tags = {text(tag.get("name")).casefold() for tag in objects(at(conversation, "tags", "tags"))}
    if "merged" in tags or any(each.get("part_type") == MERGED_AWAY for each in parts):
        return Kind.MERGED
    return Kind.SPAM if "spam" in tags else Kind.REQUEST
