"""Conversations from Intercom: a search by the time of creation, then each whole.

Reference: REST API 2.14, Search conversations and Retrieve a conversation (its last 500 parts).
"""

from collections.abc import Iterator
from datetime import datetime

from portal.gateways.help_desks._http import Authorization, Client, Desk, Pause, Tree
from portal.gateways.help_desks._paging import Cursors, Once, part, rows
from portal.gateways.help_desks.credentials import Credentials

DESK = Desk("Intercom", "INTERCOM_ACCESS_TOKEN", "its app must have the right to read conversations")
VERSION = "2.14"
PAGE_SIZE = 150
"""The most that it gives."""
WINDOW_SECONDS = 86_400


class Intercom:
    """One workspace. `total` is known before the first conversation."""

    def __init__(self, credentials: Credentials, pause: Pause) -> None:
        authorization = Authorization(f"Bearer {credentials.key}")
        self._client = Client(DESK, credentials.base, authorization, pause)
        self._client.headers = {"Intercom-Version": VERSION}
        self.total: int | None = None

    def tickets(self, since: datetime, until: datetime) -> Iterator[Tree]:
        """The conversations created in the period, with their parts.

        Asked for day by day: the order of a search is not said, and a conversation that changes while its pages are
        turned may move from one not read to one read before.
        """
        first, last = since.timestamp(), until.timestamp()
        self._count(int(first), int(last))
        once = Once()
        for page in self._pages(int(first), int(last)):
            for found in once.new(rows(self._client, page, "conversations")):
                created = found.get("created_at")
                if not isinstance(created, int):
                    raise self._client.odd("no time in created_at")
                if first <= created < last:
                    yield from self._whole(found)

    def _whole(self, found: Tree) -> Iterator[Tree]:
        """Nothing for a conversation that was deleted meanwhile."""
        answer = self._client.find(f"/conversations/{found.get('id')}")
        if answer is not None:
            yield from rows(self._client, [answer.body])

    def _count(self, first: int, last: int) -> None:
        total = part(self._search(first, last, {"per_page": 1}), "total_count")
        self.total = total if isinstance(total, int) else None

    def _pages(self, first: int, last: int) -> Iterator[object]:
        for start in range(first, last + 1, WINDOW_SECONDS):
            cursors = Cursors(self._client)
            end = min(start + WINDOW_SECONDS - 1, last)
            page = self._search(start, end, {"per_page": PAGE_SIZE})
            yield page
            while part(page, "pages", "next"):
                cursor = cursors.next(part(page, "pages", "next", "starting_after"))
                page = self._search(start, end, {"per_page": PAGE_SIZE, "starting_after": cursor})
                yield page

    def _search(self, first: int, last: int, pagination: Tree) -> object:
        """A page of those created from `first` to `last`, both included."""
        period = [
            {"field": "created_at", "operator": ">", "value": first - 1},
            {"field": "created_at", "operator": "<", "value": last + 1},
        ]
        query = {"operator": "AND", "value": period}
        return self._client.post("/conversations/search", {"query": query, "pagination": pagination}).body
