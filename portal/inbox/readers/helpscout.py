"""Conversations of Help Scout's Mailbox API 2.0, threads embedded: the newest comes first, bodies are HTML."""

from datetime import datetime
from typing import Any

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.options import ReadReport
from portal.inbox.readers.values import Object, Times, at, number, objects, text
from portal.inbox.ticket import Kind

CUSTOMERS_OWN = frozenset({"customer", "chat", "phone", "beaconchat"})
REPLIES = frozenset({"message", "reply"})


class HelpScoutReader:
    """Turns conversations into drafts."""

    source = "helpscout"

    def draft(self, conversation: Object, line: int, report: ReadReport) -> Draft | None:
        """The conversation; the request is the customer's first thread."""
        if conversation.get("state") in ("draft", "deleted"):
            report.problem(line, "", f"is {conversation['state']} in Help Scout")
            return None
        times = Times(line, report)
        threads = sorted(
            objects(at(conversation, "_embedded", "threads")), key=lambda each: text(each.get("createdAt"))
        )
        request = next((each for each in threads if each.get("type") in CUSTOMERS_OWN), {})
        customer = at(conversation, "primaryCustomer") or at(conversation, "createdBy") or {}
        status = text(conversation.get("status"))
        closed = times.read(conversation.get("closedAt"), "closedAt")
        return Draft(
            id=text(conversation.get("id")),
            line=line,
            created_at=times.read(conversation.get("createdAt"), "createdAt"),
            first_reply_at=_first_reply(threads, times),
            solved_at=closed if status in ("closed", "spam") else None,
            status="closed" if status == "spam" else status,
            channel=text(conversation.get("type")) or text(at(conversation, "source", "type")),
            requester_name=_name(customer),
            requester_email=text(at(customer, "email")),
            assignee=_name(at(conversation, "assignee")),
            agent_minutes=_minutes(conversation),
            subject=text(conversation.get("subject")),
            body=text(request.get("body")) or text(conversation.get("preview")),
            is_html=True,
            kind=_kind(conversation, threads),
        )


def _name(person: Any) -> str:
    names = (text(at(person, key)) for key in ("first", "last", "firstName", "lastName"))
    return " ".join(name for name in names if name)


def _first_reply(threads: list[Object], times: Times) -> datetime | None:
    reply = next(
        (
            each
            for each in threads
            if each.get("type") in REPLIES and each.get("state", "published") == "published"
        ),
        {},
    )
    return times.read(reply.get("createdAt"), "threads.createdAt")


def _minutes(conversation: Object) -> float | None:
    """A custom field that names minutes: Help Scout itself counts none."""
    for field in objects(conversation.get("customFields")):
        name = text(field.get("name")).casefold()
        if "minute" in name or "time spent" in name or "minuten" in name:
            return number(field.get("value"))
    return None


def _kind(conversation: Object, threads: list[Object]) -> Kind:
    tags = {text(tag.get("tag") or tag.get("name")).casefold() for tag in objects(conversation.get("tags"))}
    if conversation.get("status") == "spam" or "spam" in tags:
        return Kind.SPAM
    is_empty = not any(each.get("type") in CUSTOMERS_OWN | REPLIES for each in threads)
    merged_away = is_empty and any(at(each, "action", "type") == "merged" for each in threads)
    return Kind.MERGED if merged_away or "merged" in tags else Kind.REQUEST
