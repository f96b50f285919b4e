"""What the tagger would say otherwise than before: listed, and kept as it was unless asked."""

from dataclasses import dataclass, field
from typing import Any

from portal.inbox.ticket import Kind, Ticket
from portal.inbox.verdicts import NOBODY, Verdict, is_same_ticket, same_tag

MOST_LISTED = 10_000


@dataclass(slots=True)
class Changes:
    """Tickets that were tagged before and would be tagged otherwise now. `is_retag`: the new tags were taken.

    `replaced` are those under whose id another ticket was known: nothing of that one counts for them.
    """

    is_retag: bool = False
    count: int = 0
    replaced: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def settle(self, ticket: Ticket, before: Verdict | None, now: Verdict) -> Verdict:
        """The verdict that counts. A tagger never changes a person's; whether it is a request, the help desk says."""
        if before is not None and not is_same_ticket(before, now):
            self.replaced += 1
            return now
        if before is None or before.version == NOBODY or now.is_pinned:
            return now
        if before.is_pinned:
            return before
        if ticket.kind is not Kind.REQUEST:
            return now
        if same_tag(before, now):
            return now if self.is_retag else before
        self._note(ticket, before, now)
        return now if self.is_retag else before

    def _note(self, ticket: Ticket, before: Verdict, now: Verdict) -> None:
        self.count += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(
                {
                    "ticket_id": ticket.id,
                    "source": ticket.source,
                    "before": before.counted_as,
                    "now": now.counted_as,
                    "confidence": now.confidence,
                    "text_changed": before.text_hash != now.text_hash,
                    "tagged_by": before.version,
                }
            )

    def as_json(self) -> dict[str, Any]:
        """What `summary.json` says of it."""
        return {
            "count": self.count,
            "taken": self.is_retag,
            "replaced": self.replaced,
            "tickets": self.listed,
        }
