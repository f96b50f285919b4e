"""Tickets straight from the four help desks' APIs, as their exports have them. The only modules that know how."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol, get_args

from portal.gateways.help_desks.credentials import Credentials, Vendor, credentials_of
from portal.gateways.help_desks.errors import HelpDeskRefusedError, HelpDeskUnavailableError
from portal.gateways.help_desks.freshdesk import Freshdesk
from portal.gateways.help_desks.helpscout import HelpScout
from portal.gateways.help_desks.intercom import Intercom
from portal.gateways.help_desks.zendesk import Zendesk

__all__ = [
    "VENDORS",
    "Credentials",
    "HelpDeskRefusedError",
    "HelpDeskUnavailableError",
    "Vendor",
    "credentials_of",
    "fetch_tickets",
]
VENDORS: tuple[Vendor, ...] = get_args(Vendor)


class Source(Protocol):
    """A help desk. `total` is how many tickets there will be, where it says so."""

    total: int | None

    def tickets(self, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        """The tickets created in the period."""


_SOURCES: dict[Vendor, Callable[[Credentials, Callable[[float], None]], Source]] = {
    "zendesk": Zendesk,
    "intercom": Intercom,
    "helpscout": HelpScout,
    "freshdesk": Freshdesk,
}


def fetch_tickets(
    vendor: Vendor,
    credentials: Credentials,
    since: datetime,
    until: datetime,
    on_progress: Callable[[int, int | None], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """The tickets created from `since` up to `until` (aware), each once, as the help desk's export has them.

    `on_progress` is told how many came and how many there will be, if that is known. `pause` waits the seconds that the
    help desk asks for. Takes minutes to hours: hold no transaction. Raises, at any ticket, `HelpDeskRefusedError` and
    `HelpDeskUnavailableError`; what came before is then a part of the period only.
    """
    source = _SOURCES[vendor](credentials, pause)
    for count, ticket in enumerate(source.tickets(since, until), start=1):
        on_progress(count, source.total)
        yield ticket
