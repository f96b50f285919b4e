"""Tickets from Freshdesk, with the time that agents noted.

Reference: API v2, List All Tickets (100 a page, 300 pages), Conversations and Time Entries of a ticket.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

from portal.gateways.help_desks._http import Authorization, Client, Desk, Pause, Tree
from portal.gateways.help_desks._paging import moment, part, rows, walk
from portal.gateways.help_desks.credentials import Credentials
from portal.gateways.help_desks.errors import HelpDeskRefusedError

DESK = Desk("Freshdesk", "FRESHDESK_API_KEY", "its agent must have global access to tickets")
PAGE_SIZE, MOST_PAGES = 100, 300
RESOLVED, CLOSED = 4, 5


class Freshdesk:
    """One account. Spam and deleted tickets are not in its list."""

    def __init__(self, credentials: Credentials, pause: Pause) -> None:
        pair = base64.b64encode(f"{credentials.key}:X".encode()).decode()
        self._client = Client(DESK, credentials.base, Authorization(f"Basic {pair}"), pause)
        self._tracks_time = True
        self.total: int | None = None

    def tickets(self, since: datetime, until: datetime) -> Iterator[Tree]:
        """Those created in the period, with requester, stats, description, conversations and time_entries.

        The list is of what changed since; what was created since is part of it.
        """
        for ticket in walk(self._client, self._page, since, "updated_at", most_pages=MOST_PAGES):
            if since <= moment(self._client, ticket, "created_at") < until:
                yield {
                    **ticket,
                    "conversations": self._conversations(ticket),
                    "time_entries": self._time_entries(ticket),
                }

    def _page(self, since: datetime, page: int) -> tuple[list[Tree], bool]:
        params: dict[str, str | int] = {
            "updated_since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "order_by": "updated_at",
            "order_type": "asc",
            "include": "requester,stats,description",
            "per_page": PAGE_SIZE,
            "page": page,
        }
        answer = self._client.get("/api/v2/tickets", params)
        return rows(self._client, answer.body), answer.has_next

    def _conversations(self, ticket: Tree) -> list[Tree]:
        """Only of what was closed and never answered: a note there says that it was merged into another.

        Of all others, the description is what was asked and the stats say when it was answered.
        """
        if ticket.get("status") not in (RESOLVED, CLOSED) or part(ticket, "stats", "first_responded_at"):
            return []
        path = f"/api/v2/tickets/{ticket.get('id')}/conversations"
        answer = self._client.find(path, {"per_page": PAGE_SIZE})
        return rows(self._client, answer.body) if answer else []

    def _time_entries(self, ticket: Tree) -> list[Tree]:
        """None in plans without time tracking: Freshdesk answers that it is forbidden, once is enough."""
        if not self._tracks_time:
            return []
        try:
            answer = self._client.find(f"/api/v2/tickets/{ticket.get('id')}/time_entries")
        except HelpDeskRefusedError:
            self._tracks_time = False
            return []
        return rows(self._client, answer.body) if answer else []
