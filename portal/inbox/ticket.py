"""One support ticket, the same whichever export it came from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a ticket is. Only requests are tagged; the others count as `other`."""

    REQUEST = "request"
    MERGED = "merged"
    SPAM = "spam"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as every reader gives it: text stripped of all but the request, times aware UTC, unknown ones None.

    `source` is zendesk, intercom, helpscout, freshdesk, mbox or csv; `source_file` the file's name without its folder.
    """

    id: str
    source: str
    source_file: str
    created_at: datetime | None
    first_reply_at: datetime | None
    solved_at: datetime | None
    status: str
    channel: str
    requester_name: str
    requester_email: str
    assignee: str
    agent_minutes: float | None
    subject: str
    body: str
    kind: Kind = Kind.REQUEST
    language: str = ""

    @property
    def is_solved(self) -> bool:
        """Whether the help desk counts it as done."""
        return self.status in ("solved", "closed")
