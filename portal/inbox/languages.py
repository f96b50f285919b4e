"""Which languages customers write in, and which of them are worth a translation."""

from typing import Any

from portal.inbox.ticket import Ticket

LEAST_SHARE = 0.05
LEAST_REQUESTERS = 5
"""A locale is suggested from this share of the tickets on, if as many different people wrote in it: one customer who
writes a lot is no reason to translate."""


class Languages:
    """Adds up tickets by language. Tickets of people without an address count as one requester."""

    def __init__(self) -> None:
        self._tickets: dict[str, int] = {}
        self._requesters: dict[str, set[int]] = {}

    def add(self, ticket: Ticket) -> None:
        """One more request."""
        self._tickets[ticket.language] = self._tickets.get(ticket.language, 0) + 1
        people = self._requesters.setdefault(ticket.language, set())
        people.add(hash(ticket.requester_email.lower()))

    def rows(self) -> list[dict[str, Any]]:
        """Each language (`und`: unknown) with its tickets, share and distinct requesters, commonest first."""
        total = sum(self._tickets.values())
        order = sorted(self._tickets, key=lambda code: (-self._tickets[code], code))
        return [
            {
                "language": code or "und",
                "tickets": self._tickets[code],
                "share": round(self._tickets[code] / total, 4),
                "requesters": len(self._requesters[code]),
            }
            for code in order
        ]

    def suggested(self) -> list[str]:
        """The locales that `LEAST_SHARE` and `LEAST_REQUESTERS` let through."""
        return [
            row["language"]
            for row in self.rows()
            if row["language"] != "und"
            and row["share"] >= LEAST_SHARE
            and row["requesters"] >= LEAST_REQUESTERS
        ]
