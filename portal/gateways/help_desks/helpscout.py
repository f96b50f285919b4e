"""Conversations from Help Scout, with their threads.

Reference: Inbox API 2.0 (formerly Mailbox API), Authentication (client credentials) and List Conversations.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from portal.gateways.help_desks._http import Authorization, Client, Desk, Pause, Tree
from portal.gateways.help_desks._paging import moment, part, rows, walk
from portal.gateways.help_desks.credentials import Credentials

DESK = Desk(
    "Help Scout", "HELPSCOUT_APP_ID and HELPSCOUT_APP_SECRET", "the app's user must be allowed to use the API"
)
MOST_PAGES = 400


class HelpScout:
    """One account: every mailbox that the app's user sees. `total` is known after the first page.

    A token lives for two days and is got anew when it is refused in between.
    """

    def __init__(self, credentials: Credentials, pause: Pause) -> None:
        self._credentials = credentials
        self._authorization = Authorization("")
        self._client = Client(DESK, credentials.base, self._authorization, pause)
        self._client.renew = self._get_token
        self.total: int | None = None

    def tickets(self, since: datetime, until: datetime) -> Iterator[Tree]:
        """The conversations created in the period, spam too: its status says so."""
        self._get_token()

        def ask(first: datetime, page: int) -> tuple[list[Tree], bool]:
            return self._page(first, until, page)

        for conversation in walk(self._client, ask, since, "createdAt", most_pages=MOST_PAGES):
            if since <= moment(self._client, conversation, "createdAt") < until:
                yield conversation

    def _page(self, since: datetime, until: datetime, page: int) -> tuple[list[Tree], bool]:
        params: dict[str, str | int] = {
            "embed": "threads",
            "status": "all",
            "query": f"(createdAt:[{_iso(since)} TO {_iso(until)}])",
            "sortField": "createdAt",
            "sortOrder": "asc",
            "page": page,
        }
        tree = self._client.get("/v2/conversations", params).body
        total = part(tree, "page", "totalElements")
        if self.total is None and isinstance(total, int):
            self.total = total
        if total == 0:  # then there is no _embedded at all
            return [], False
        found = rows(self._client, tree, "_embedded", "conversations")
        return found, part(tree, "_links", "next") is not None

    def _get_token(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.name,
            "client_secret": self._credentials.key,
        }
        body = self._client.exchange("/v2/oauth2/token", form).body
        token = part(body, "access_token")
        if not isinstance(token, str):
            raise self._client.odd("no access_token")
        self._authorization.value = f"Bearer {token}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
