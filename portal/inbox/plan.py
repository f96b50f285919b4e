"""What an audit is asked to do."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.inbox.tagging import TaggerName
from portal.inbox.ticket import Kind, Ticket
from portal.kit.money import Money


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """Tickets created from `since` until before `until` count, each open where None; `minute_cost` is an agent's.

    With `retag` earlier tags are replaced; with `with_personal_data` `tickets.csv` also says who wrote, and what.
    """

    since: datetime | None = None
    until: datetime | None = None
    minute_cost: Money | None = None
    tagger: TaggerName = "default"
    retag: bool = False
    with_personal_data: bool = False


@dataclass(slots=True)
class Intake:
    """Which tickets count, and how many did not."""

    plan: AuditPlan
    kinds: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    undated: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def takes(self, ticket: Ticket) -> bool:
        """Whether a ticket counts. Without a date it does only where no dates were asked for."""
        since, until, at = self.plan.since, self.plan.until, ticket.created_at
        if at is None:
            self.undated += 1
            if since or until:
                return False
        elif (since and at < since) or (until and at >= until):
            self.outside += 1
            return False
        else:
            self.first, self.last = min(self.first or at, at), max(self.last or at, at)
        self.kinds[ticket.kind.value] += 1
        return True

    def as_json(self) -> dict[str, Any]:
        """Counts as `summary.json` has them."""
        return {
            "counted": self.kinds.total(),
            **{kind.value: self.kinds[kind.value] for kind in Kind},
            "outside_dates": self.outside,
            "without_date": self.undated,
        }
