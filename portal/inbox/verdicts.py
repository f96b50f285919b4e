"""What is held of a ticket's reason, whoever decided it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from portal.inbox.reasons import OTHER, UNCLEAR, all_reasons
from portal.inbox.redaction import redact
from portal.inbox.tagging import Tag, TicketText
from portal.inbox.ticket import Kind, Ticket

SUBJECT_LENGTH, EXCERPT_LENGTH = 200, 600
SHORTEST_NAME, LONG_NAME = 3, 5
NAME_PARTS = re.compile(r"[\s,]+")
CORRECTION = "correction"
"""The tagger's version of what a person settled."""
NOBODY = ""
"""That of what a person left to the tagger: the next audit tags it anew."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a ticket was written: the best tag, who gave it, and for which text.

    `is_pinned` where a person settled it: then it is never unclear, and `pinned_text` is what teaches, redacted.
    `created_at` is the ticket's, in ISO 8601 and UTC; None where it has none.
    """

    reason: str
    confidence: float
    why: str
    is_unclear: bool
    version: str
    text_hash: str
    is_pinned: bool = False
    pinned_text: tuple[str, str] | None = None
    created_at: str | None = None

    @property
    def counted_as(self) -> str:
        """The row of the ranking it stands in: an unclear guess is counted for no reason."""
        return UNCLEAR if self.is_unclear else self.reason

    @property
    def screen(self) -> str:
        """What could absorb it; empty for a reason that is no longer in the file."""
        reason = all_reasons().get(self.reason)
        return reason.screen if reason else ""

    def as_json(self) -> str:
        """One line, without what is at its default."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        kept = {name: value for name, value in values if value not in (False, None)}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Verdict":
        """Raises `KeyError` and `TypeError` for what `as_json` did not write."""
        text = values.get("pinned_text")
        return cls(
            reason=str(values["reason"]),
            confidence=float(values["confidence"]),
            why=str(values["why"]),
            is_unclear=bool(values.get("is_unclear", False)),
            version=str(values["version"]),
            text_hash=str(values["text_hash"]),
            is_pinned=bool(values.get("is_pinned", False)),
            pinned_text=(str(text[0]), str(text[1])) if text else None,
            created_at=values.get("created_at"),
        )


def key_of(ticket: Ticket) -> str:
    """What a ticket is known by from run to run."""
    return f"{ticket.source}:{ticket.id}"


def text_hash(ticket: Ticket) -> str:
    """SHA-256 in hex of the stripped text: another text may have another reason."""
    return hashlib.sha256(f"{ticket.subject}\0{ticket.body}".encode()).hexdigest()


def moment_of(at: datetime | None) -> str | None:
    """A creation time as verdicts hold it."""
    return at.astimezone(UTC).isoformat() if at else None


def is_same_ticket(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts under one id are on one ticket: files number from 1, and two may use the same numbers."""
    return one.text_hash == other.text_hash or one.created_at == other.created_at


def text_of(ticket: Ticket) -> TicketText:
    """What the tagger is given."""
    return TicketText(ticket.subject, ticket.body, ticket.language)


def without_person(text: str, ticket: Ticket) -> str:
    """`text` without personal data, the requester's own name and address included."""
    local_part = ticket.requester_email.partition("@")[0]
    names = [ticket.requester_name, *NAME_PARTS.split(ticket.requester_name), local_part]
    for name in sorted({name for name in names if len(name) >= SHORTEST_NAME}, key=len, reverse=True):
        text = _named(name).sub("[name]", text)
    return redact(text)


def _named(name: str) -> re.Pattern[str]:
    """A name as a word of its own. Short ones only as names are written: `Bill` may have asked about a bill."""
    if len(name) >= LONG_NAME:
        return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    written = "|".join(re.escape(form) for form in {name.capitalize(), name.upper()})
    return re.compile(rf"(?<!\w)(?:{written})(?!\w)")


def redacted_text(ticket: Ticket) -> tuple[str, str]:
    """Subject and the start of the body, without personal data: what is kept, shown and taught."""
    subject = without_person(ticket.subject, ticket)[:SUBJECT_LENGTH]
    return subject, without_person(ticket.body, ticket)[:EXCERPT_LENGTH]


def from_tag(ticket: Ticket, tag: Tag, version: str) -> Verdict:
    """The tagger's verdict."""
    why = without_person(tag.why, ticket)
    score = round(tag.confidence, 4)
    at = moment_of(ticket.created_at)
    return Verdict(tag.reason, score, why, tag.is_unclear, version, text_hash(ticket), created_at=at)


def no_request(ticket: Ticket, version: str) -> Verdict:
    """That of a merged ticket, spam, or an automatic message: the help desk says what it is."""
    why, at = WHY_NO_REQUEST[ticket.kind], moment_of(ticket.created_at)
    return Verdict(OTHER, 1.0, why, False, version, text_hash(ticket), created_at=at)


WHY_NO_REQUEST = {
    Kind.MERGED: "merged: it went into another ticket",
    Kind.SPAM: "spam: the help desk says so",
    Kind.AUTOMATIC: "automatic: written by a machine",
}


def pinned(ticket: Ticket, reason: str) -> Verdict:
    """That of a person, which teaches."""
    text = redacted_text(ticket)
    why, at = "corrected by a person", moment_of(ticket.created_at)
    return Verdict(reason, 1.0, why, False, CORRECTION, text_hash(ticket), True, text, at)


def unclear_first(verdict: Verdict) -> str:
    """`why` as it is written out: a guess says so."""
    return f"unclear: {verdict.why}" if verdict.is_unclear else verdict.why


def same_tag(one: Verdict, other: Verdict) -> bool:
    """Whether both put a ticket in the same row of the ranking."""
    return one.counted_as == other.counted_as


def renamed(verdict: Verdict) -> Verdict:
    """A verdict whose reason is no longer in the file of reasons is unclear until somebody looks."""
    if verdict.reason in all_reasons():
        return verdict
    why = f"{verdict.reason} is no longer in the list of reasons"
    return replace(verdict, reason=OTHER, is_unclear=True, is_pinned=False, pinned_text=None, why=why)
