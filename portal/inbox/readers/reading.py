"""The way from files to tickets."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.encodings import find_encoding
from portal.inbox.readers.exports import drafts_of_json, drafts_of_objects
from portal.inbox.readers.json_items import Item
from portal.inbox.readers.mbox import drafts_of_mbox, is_mbox
from portal.inbox.readers.options import FileRead, ReadOptions, ReadReport
from portal.inbox.readers.streams import different_kind, head_of
from portal.inbox.readers.tables import drafts_of_table
from portal.inbox.ticket import Ticket

Found = Generator[Draft, None, None]


def read_tickets(
    paths: Sequence[Path],
    options: ReadOptions,
    report: ReadReport,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Iterator[Ticket]:
    """Every ticket of the files, one at a time and in bounded memory; what a file is, is found from its content.

    `on_bytes` is told how many more bytes of the files (as they lie on disk) have been read. What cannot be read is
    in `report`, and never an exception: only `OSError` is raised, where a file cannot be opened.
    A ticket that comes again with the same id and the same text is left away.
    """
    seen: set[bytes] = set()
    for path in paths:
        found = report.start(path.name)
        with closing(_drafts(path, options, report, on_bytes)) as drafts:
            yield from _finished(drafts, found, report, seen)


def tickets_from_objects(
    source: str,
    objects: Iterable[Mapping[str, Any]],
    options: ReadOptions,
    report: ReadReport,
    name: str = "",
) -> Iterator[Ticket]:
    """The same from objects as a help desk's export has them (`zendesk|intercom|helpscout|freshdesk`).

    `name` stands for the file's name (default: the source).
    """
    found = report.start(name or source, source)
    items = (Item("", number, each) for number, each in enumerate(objects, 1))
    return _finished(drafts_of_objects(source, items, options, report), found, report, set())


def _drafts(path: Path, options: ReadOptions, report: ReadReport, on_bytes: Callable[[int], None]) -> Found:
    """What the file holds, by its first bytes."""
    head = head_of(path)
    kind = different_kind(head) if head.strip() else "empty"
    if kind:
        report.problem(0, "", f"is {kind}")
        return
    encoding = find_encoding(head)
    begin = head.decode(encoding, errors="replace").lstrip("\ufeff \r\n\t")
    if is_mbox(begin):
        yield from drafts_of_mbox(path, options, report, on_bytes)
        return
    report.files[-1].notes["encoding"] = encoding
    if begin[:1] in ("{", "["):
        yield from drafts_of_json(path, encoding, options, report, on_bytes)
    else:
        yield from drafts_of_table(path, encoding, options, report, on_bytes)


def _finished(
    drafts: Iterable[Draft], found: FileRead, report: ReadReport, seen: set[bytes]
) -> Iterator[Ticket]:
    made: Counter[str] = Counter()
    for draft in drafts:
        if not draft.id and not draft.subject.strip() and not draft.body.strip():
            found.left_out += 1
            report.problem(draft.line, "", "has neither an id nor a text")
            continue
        has_id = bool(draft.id)
        ticket = draft.finish(found.source or "csv", found.name)
        if not has_id:
            made[ticket.id] += 1
            ticket = _nth(ticket, made[ticket.id])
        mark = blake2b(
            f"{ticket.id}\0{ticket.subject}\0{ticket.body}".encode(errors="replace"), digest_size=12
        ).digest()
        if mark in seen:
            found.repeated += 1
            continue
        seen.add(mark)
        found.tickets += 1
        yield ticket


def _nth(ticket: Ticket, number: int) -> Ticket:
    """The same said again by the same person at the same time, in a file without ids, is a ticket of its own."""
    return ticket if number == 1 else replace(ticket, id=f"{ticket.id}-{number}")
