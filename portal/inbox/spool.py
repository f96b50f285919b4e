"""Tickets between reading and tagging: on disk, since corrections of the last ticket teach the tagger of the first."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from portal.inbox.ticket import Kind, Ticket

COLUMNS = tuple(field.name for field in fields(Ticket))
TIMES = ("created_at", "first_reply_at", "solved_at")


class Spool:
    """Writes tickets to `path`, then gives them back. The file holds personal data: it is deleted by `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self.tickets = 0

    def add(self, ticket: Ticket) -> None:
        """One more ticket."""
        values = {name: getattr(ticket, name) for name in COLUMNS}
        self._file.write(json.dumps(values, default=datetime.isoformat) + "\n")
        self.tickets += 1

    def batches(self, size: int) -> Iterator[list[Ticket]]:
        """Every ticket again, in order, `size` at a time."""
        self._file.close()
        with self._path.open(encoding="utf-8") as file:
            while lines := list(islice(file, size)):
                yield [_ticket(json.loads(line)) for line in lines]

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _ticket(values: dict[str, Any]) -> Ticket:
    times = {name: datetime.fromisoformat(values[name]) for name in TIMES if values[name]}
    return Ticket(**{**values, **times, "kind": Kind(values["kind"])})
