"""The four help desks' APIs for tests, over real HTTP on free ports."""

import threading
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import make_server

from portal.gateways.help_desks import Credentials, Vendor
from standins.help_desks.inbox import make_inbox
from standins.help_desks.server import MAKERS
from standins.help_desks.world import APP_ID, APP_SECRET, EMAIL, TOKEN, World
from standins.serving import Handler

SETTINGS: dict[Vendor, dict[str, str]] = {
    "zendesk": {"zendesk_subdomain": "skylark", "zendesk_email": EMAIL, "zendesk_api_token": TOKEN},
    "intercom": {"intercom_access_token": TOKEN},
    "helpscout": {"helpscout_app_id": APP_ID, "helpscout_app_secret": APP_SECRET},
    "freshdesk": {"freshdesk_domain": "skylark", "freshdesk_api_key": TOKEN},
}
NAMES = {"zendesk": EMAIL, "helpscout": APP_ID}


class HelpDeskStandin:
    """`with HelpDeskStandin("zendesk") as standin:` serves at `standin.url`.

    Its tickets are six hours apart, the last created at `newest` (aware; default two days ago).
    """

    def __init__(
        self, vendor: Vendor, *, tickets: int = 30, page_size: int = 1_000, newest: datetime | None = None
    ) -> None:
        self.vendor = vendor
        newest = newest or datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
        self.world = World(make_inbox(tickets, newest), page_size)
        app = MAKERS[vendor](self.world)
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """What the portal is set to, to read from here; names in the environment are the same in upper case."""
        return {**SETTINGS[self.vendor], f"{self.vendor}_api_base": self.url}

    @property
    def credentials(self) -> Credentials:
        """For direct calls."""
        key = APP_SECRET if self.vendor == "helpscout" else TOKEN
        return Credentials(self.url, key, NAMES.get(self.vendor, ""))

    def faults(self, mode: str, *, count: int | None = None, seconds: float = 3_600.0) -> None:
        """How it answers from now on, see `MODES` in `standins.help_desks.world`; `count` times, then well again."""
        self.world.faults.set(mode, count, seconds)

    def asked(self, path: str = "") -> list[dict[str, Any]]:
        """Requests so far whose path ends with `path`, oldest first: method, path, args, version, has_token."""
        return [each for each in self.world.asked if each["path"].endswith(path)]
