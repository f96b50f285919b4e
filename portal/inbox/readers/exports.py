"""JSON exports: whose objects they are, and what came beside them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from portal.inbox.readers.draft import Draft
from portal.inbox.readers.freshdesk import FreshdeskReader
from portal.inbox.readers.helpscout import HelpScoutReader
from portal.inbox.readers.intercom import IntercomReader
from portal.inbox.readers.json_items import SIDE_KEYS, Item, json_items
from portal.inbox.readers.minutes import beside, find_seconds_field
from portal.inbox.readers.options import ReadOptions, ReadReport
from portal.inbox.readers.streams import chunks, head_of, utf8
from portal.inbox.readers.values import Object, at, text
from portal.inbox.readers.zendesk import ZendeskReader

SAMPLE = 500
"""So many tickets are looked at before the first one is given."""

PLAIN = {"id", "subject", "description"}

Side = dict[str, dict[str, Object]]


class _Reader(Protocol):
    source: str

    def draft(self, value: Object, line: int, report: ReadReport, /) -> Draft | None: ...


def source_of(value: Object) -> str:
    """Whose object it is, by the fields that only one of them has; `""` for nobody's."""
    if value.get("type") == "conversation" or "conversation_parts" in value:
        return "intercom"
    if "primaryCustomer" in value or "mailboxId" in value or at(value, "_embedded", "threads") is not None:
        return "helpscout"
    if "responder_id" in value or "description_text" in value or "fr_due_by" in value:
        return "freshdesk"
    is_zendesk = "id" in value and any(
        key in value for key in ("requester_id", "raw_subject", "metric_set", "submitter_id", "cause")
    )
    return "zendesk" if is_zendesk else ""


def drafts_of_json(
    path: Path, encoding: str, options: ReadOptions, report: ReadReport, on_bytes: Callable[[int], None]
) -> Iterator[Draft]:
    """The tickets of a JSON file of one of the four help desks."""
    head = b"".join(utf8([head_of(path)], encoding))
    most = options.most_unpacked
    items = json_items(utf8(chunks(path, report, on_bytes, most), encoding), head, report)
    sample = list(islice(items, SAMPLE))
    source = _likeliest([each.value for each in sample if each.key not in SIDE_KEYS])
    if not source:
        report.problem(0, "", "holds no tickets of Zendesk, Intercom, Help Scout or Freshdesk")
        return
    report.files[-1].source = source
    side: Side = {}
    if source == "zendesk" and any(each.key for each in sample):
        quiet = ReadReport()
        quiet.start(path.name)
        pieces = chunks(path, quiet, lambda count: None, most)
        side = _side(json_items(utf8(pieces, encoding), head, quiet))
    tickets = (each for each in chain(sample, items) if each.key not in SIDE_KEYS)
    yield from drafts_of_objects(source, tickets, options, report, side)


def _likeliest(values: Sequence[Object]) -> str:
    """Whose they are; tickets cut down to what all have are read as Zendesk's, whose names for it are the commonest."""
    source = next(filter(None, map(source_of, values)), "")
    is_plain = any(value.keys() >= PLAIN for value in values)
    return source or ("zendesk" if is_plain else "")


def drafts_of_objects(
    source: str, items: Iterable[Item], options: ReadOptions, report: ReadReport, side: Side | None = None
) -> Iterator[Draft]:
    """The tickets of one help desk."""
    coming = iter(items)
    sample = list(islice(coming, SAMPLE))
    reader = _reader_for(source, [each.value for each in sample], options, report, side or {})
    for item in chain(sample, coming):
        if source_of(item.value) not in (source, ""):
            report.problem(item.line, "", f"is not from {source} like the others")
            continue
        try:
            draft = reader.draft(item.value, item.line, report)
        except (AttributeError, TypeError, KeyError) as error:
            report.problem(item.line, "", f"is not built as tickets of {source} are: {error}")
            continue
        if draft is None:
            report.files[-1].left_out += 1
        else:
            yield draft


def _reader_for(
    source: str, sample: list[Object], options: ReadOptions, report: ReadReport, side: Side
) -> _Reader:
    readers: dict[str, Callable[[], _Reader]] = {
        "intercom": IntercomReader,
        "helpscout": HelpScoutReader,
        "freshdesk": FreshdeskReader,
    }
    if source in readers:
        return readers[source]()
    with_metrics = [beside(side, each) for each in sample]
    seconds = find_seconds_field(with_metrics, options.columns.get("agent_minutes", ""))
    report.files[-1].notes["minutes"] = seconds.why
    if seconds.is_in(with_metrics):
        report.columns_found.add("agent_minutes")
    return ZendeskReader(seconds, side)


def _side(items: Iterable[Item]) -> Side:
    """Users by id and metric sets by ticket: Zendesk's pages have them in lists of their own."""
    side: Side = {"users": {}, "metric_sets": {}}
    for item in items:
        if item.key == "users":
            kept = {key: item.value.get(key) for key in ("id", "name", "email", "role")}
            side["users"][text(item.value.get("id"))] = kept
        elif item.key in SIDE_KEYS:
            side["metric_sets"][text(item.value.get("ticket_id"))] = item.value
    return side
