"""What the tests of the help desks' APIs share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.gateways.help_desks import Credentials, fetch_tickets
from standins.help_desks.inbox import FIRST_ID
from tests.support.help_desk_apis import HelpDeskStandin

TICKETS, PAGE_SIZE = 30, 3
NEWEST = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
SINCE, UNTIL = NEWEST - timedelta(hours=6 * 20), NEWEST - timedelta(hours=6 * 5)
"""From the 10th ticket, included, to the 25th, excluded."""
IDS = list(range(FIRST_ID + 9, FIRST_ID + 24))


class Waits:
    """Stands in for `time.sleep`: keeps how long it was asked to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def fetch(
    standin: HelpDeskStandin,
    *,
    since: datetime = SINCE,
    until: datetime = UNTIL,
    credentials: Credentials | None = None,
    pause: Callable[[float], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """The tickets of the period, with nothing shown and no real waiting."""
    given = credentials or standin.credentials
    return fetch_tickets(standin.vendor, given, since, until, lambda *_: None, pause=pause or Waits())


def ids(found: list[dict[str, Any]]) -> list[int]:
    """Their ids in order; Intercom's are text."""
    return sorted(int(each["id"]) for each in found)
