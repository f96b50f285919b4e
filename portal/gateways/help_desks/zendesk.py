"""Tickets from Zendesk: the incremental export by cursor, and the comments of each ticket.

Reference: Ticketing API, Incremental Exports (cursor-based; 10 requests a minute) and Ticket Comments.
"""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta

from portal.gateways.help_desks._http import Authorization, Client, Desk, Pause, Tree
from portal.gateways.help_desks._paging import Cursors, Once, moment, part, rows
from portal.gateways.help_desks.credentials import Credentials
from portal.kit.clock import utcnow

DESK = Desk("Zendesk", "ZENDESK_API_TOKEN", "it must be an admin's, or have the scope read")
EXPORT = "/api/v2/incremental/tickets/cursor.json"
PAGE_SIZE = 250
"""Of at most 1,000: with long tickets a page stays small, and reading their comments takes longer than listing."""
MOST_COMMENTS = 100
"""The oldest: the first answer is among them."""
YOUNGEST_START = timedelta(seconds=90)
"""`start_time` must be more than a minute ago."""


class Zendesk:
    """One account. Deleted and suspended tickets are not in its export."""

    def __init__(self, credentials: Credentials, pause: Pause) -> None:
        self._client = Client(DESK, credentials.base, _authorization(credentials), pause)
        self.total: int | None = None

    def tickets(self, since: datetime, until: datetime) -> Iterator[Tree]:
        """Those created in the period, each with requester, assignee, metric_set and comments.

        The export is of what changed since; what was created since is part of it.
        """
        once = Once()
        for page in self._pages(min(since, utcnow() - YOUNGEST_START)):
            people = {person.get("id"): person for person in rows(self._client, page, "users")}
            metrics = {each.get("ticket_id"): each for each in _metric_sets(self._client, page)}
            for ticket in once.new(rows(self._client, page, "tickets")):
                if since <= moment(self._client, ticket, "created_at") < until:
                    yield self._whole(ticket, people, metrics)

    def _pages(self, start: datetime) -> Iterator[object]:
        always: dict[str, str | int] = {
            "per_page": PAGE_SIZE,
            "include": "users,metric_sets",
            "exclude_deleted": "true",
        }
        where: dict[str, str | int] = {"start_time": int(start.timestamp())}
        cursors = Cursors(self._client)
        while True:
            page = self._client.get(EXPORT, {**where, **always}).body
            yield page
            if part(page, "end_of_stream") is True:
                return
            where = {"cursor": cursors.next(part(page, "after_cursor"))}

    def _whole(self, ticket: Tree, people: dict[object, Tree], metrics: dict[object, Tree]) -> Tree:
        metric_set = ticket.get("metric_set") or metrics.get(ticket.get("id")) or {}
        return {
            **ticket,
            "requester": people.get(ticket.get("requester_id")),
            "assignee": people.get(ticket.get("assignee_id")),
            "metric_set": metric_set,
            "comments": [] if metric_set.get("replies") == 0 else self._comments(ticket),
        }

    def _comments(self, ticket: Tree) -> list[Tree]:
        """Not asked for where nobody has answered: the ticket's description is its first comment."""
        answer = self._client.find(
            f"/api/v2/tickets/{ticket.get('id')}/comments.json", {"page[size]": MOST_COMMENTS}
        )
        return rows(self._client, answer.body, "comments") if answer else []


def _metric_sets(client: Client, page: object) -> list[Tree]:
    """They come inside the tickets, or as a list beside them as other side-loaded objects do."""
    return [] if part(page, "metric_sets") is None else rows(client, page, "metric_sets")


def _authorization(credentials: Credentials) -> Authorization:
    """An API token goes with the mail address of its agent; an OAuth access token stands alone."""
    if not credentials.name:
        return Authorization(f"Bearer {credentials.key}")
    pair = f"{credentials.name}/token:{credentials.key}".encode()
    return Authorization(f"Basic {base64.b64encode(pair).decode()}")
