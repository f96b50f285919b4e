"""Walking through lists that come in pages and may change meanwhile."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from portal.gateways.help_desks._http import Client, Tree

SLACK = timedelta(seconds=1)
"""Times are whole seconds, and no reference says whether "since" takes the second itself."""
Ask = Callable[[datetime, int], tuple[list[Tree], bool]]
"""(since, page number from 1) -> the rows from then on, oldest first, and whether more follow."""


def part(tree: object, *path: str) -> object:
    """What lies at `path` in an answer, or None."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def rows(client: Client, tree: object, *path: str) -> list[Tree]:
    """The objects of the list at `path`. Raises `HelpDeskUnavailableError` where there is none."""
    found = part(tree, *path)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise client.odd(f"no list of {path[-1] if path else 'objects'}")
    return found


def moment(client: Client, row: Tree, name: str) -> datetime:
    """An aware time of a row, from ISO 8601 with an offset. Raises `HelpDeskUnavailableError`."""
    said = row.get(name)
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise client.odd(f"no time in {name}")
    return at


class Cursors:
    """The cursors of one walk. One that comes twice would never end."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen: set[str] = set()

    def next(self, cursor: object) -> str:
        """`cursor`, to go on with. Raises `HelpDeskUnavailableError` where it is none or was used before."""
        if not isinstance(cursor, str) or not cursor:
            raise self._client.odd("more follows, and no cursor says where")
        if cursor in self._seen:
            raise self._client.odd("its cursor goes round in a circle")
        self._seen.add(cursor)
        return cursor


class Once:
    """Lets each row through once: what changes during a walk is listed a second time."""

    def __init__(self) -> None:
        self._seen: set[object] = set()

    def new(self, found: list[Tree]) -> Iterator[Tree]:
        """The rows whose id did not come before."""
        for row in found:
            if row.get("id") not in self._seen:
                self._seen.add(row.get("id"))
                yield row


def walk(client: Client, ask: Ask, since: datetime, at: str, *, most_pages: int) -> Iterator[Tree]:
    """Every row of a list in the order of its time `at`, once each.

    Whoever turns pages misses rows when an earlier one moves; so the next question starts at the last row's time. Only
    where a page ends within the second in which it began is the next page asked for, up to `most_pages`.
    """
    once, page = Once(), 1
    while True:
        found, has_more = ask(since, page)
        yield from once.new(found)
        if not has_more:
            return
        times = [moment(client, row, at) for row in found]
        if times and times == sorted(times) and times[-1] - SLACK > since:
            since, page = times[-1] - SLACK, 1
        else:
            page += 1
        if page > most_pages:
            raise client.odd(f"more than {most_pages} pages")
