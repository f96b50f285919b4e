# ruff: noqa: RUF001 - the letters of other languages are meant
"""Any CSV: what its columns are, how its dates are written, and its tickets."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from itertools import chain, islice
from pathlib import Path

from portal.inbox.readers.columns import Columns, is_headless, known_names, normal, states
from portal.inbox.readers.dates import Order, find_order, parse_time
from portal.inbox.readers.draft import Draft
from portal.inbox.readers.freshdesk import clock_minutes
from portal.inbox.readers.options import ReadOptions, ReadReport
from portal.inbox.readers.records import Form, Record, Records, find_form
from portal.inbox.readers.streams import chunks, text_lines
from portal.inbox.readers.values import quoted_time
from portal.inbox.ticket import Kind

SAMPLE_LINES = 3_000
SAMPLE_RECORDS = 2_000
LONGEST_NAMED, MOST_NAMED = 30, 8
"""Dates are looked at in so many records to find whether the day or the month comes first."""
FRESHDESK = frozenset(
    {"ticket id", "time tracked", "initial response time", "resolved time", "survey results"}
)

_KINDS = {"spam": Kind.SPAM, "merged": Kind.MERGED}


def drafts_of_table(
    path: Path, encoding: str, options: ReadOptions, report: ReadReport, on_bytes: Callable[[int], None]
) -> Iterator[Draft]:
    """The tickets of a delimited file."""
    lines = text_lines(chunks(path, report, on_bytes, options.most_unpacked), encoding, report)
    begin = list(islice(lines, SAMPLE_LINES))
    form = find_form(begin)
    records = iter(Records(chain(begin, lines), form, report))
    sample = list(islice(records, SAMPLE_RECORDS))
    table = _Table(form, sample, options, report)
    if not table.has_text:
        report.problem(1, "", _without_text(table.columns))
        return
    for record in chain(table.rows, records):
        if (draft := table.draft(record)) is not None:
            yield draft


def _without_text(columns: Columns) -> str:
    """Why a table is none of tickets, with the short names that it has."""
    told = [columns.name(at) for at, header in enumerate(columns.headers) if header]
    names = [name for name in told if len(name) <= LONGEST_NAMED][:MOST_NAMED]
    found = f" (found: {', '.join(names)})" if names else ""
    return f"has no column that holds a subject or a text: rename one to subject or body{found}"


def _header_at(sample: Sequence[Record], columns: int) -> int:
    """The first row with two known names, else the first that is as wide as most: titles above a table are narrower."""
    named = next((at for at, each in enumerate(sample[:20]) if known_names(each.cells) > 1), None)
    if named is not None:
        return named
    return next((at for at, each in enumerate(sample[:20]) if len(each.cells) >= columns), 0)


class _Table:
    """One table with what was found out about it."""

    def __init__(self, form: Form, sample: list[Record], options: ReadOptions, report: ReadReport) -> None:
        self.form, self.options, self.report = form, options, report
        at = _header_at(sample, form.columns)
        first = [cell.strip().lstrip("\ufeff") for cell in sample[at].cells] if sample else []
        self.is_headless = is_headless(first, sample[at + 1].cells if sample[at + 1 :] else ())
        headers = [""] * len(first) if self.is_headless else first
        self.rows = sample[at if self.is_headless else at + 1 :]
        self.columns = Columns(headers, [each.cells for each in self.rows])
        self.columns.find(options.columns, report)
        self.order = self._find_order()
        self.minute_factor = _minute_factor(self._header("agent_minutes"))
        self._note()

    @property
    def has_text(self) -> bool:
        return "subject" in self.columns.of or "body" in self.columns.of

    def draft(self, record: Record) -> Draft | None:
        """The ticket of a record, None (and reported) where it does not fit the header."""
        cells = self._fitted(record)
        if cells is None:
            return None
        name, email = self._person(cells)
        status = normal(self._cell(cells, "status"))
        state = states().get(status, status)
        created, replied, solved = self._times(record, cells)
        return Draft(
            id=self._cell(cells, "id"),
            line=record.line,
            created_at=created,
            first_reply_at=replied,
            solved_at=solved,
            status=state or ("solved" if solved else ""),
            channel=self._cell(cells, "channel"),
            requester_name=name,
            requester_email=email,
            assignee=self._cell(cells, "assignee"),
            agent_minutes=self._minutes(record, cells),
            subject=self._cell(cells, "subject"),
            body=self._cell(cells, "body"),
            language=self._language(cells),
            kind=_KINDS.get(state, Kind.REQUEST),
        )

    def _times(
        self, record: Record, cells: Sequence[str]
    ) -> tuple[datetime | None, datetime | None, datetime | None]:
        """When it was created, first answered and solved."""
        created = self._time(record, cells, "created_at")
        replied = self._time(record, cells, "first_reply_at") or self._after(
            created, cells, "first_reply_after"
        )
        solved = self._time(record, cells, "solved_at") or self._after(created, cells, "solved_after")
        if created and solved and solved < created:
            self.report.problem(record.line, self._header("solved_at"), "is before it was created; left away")
            solved = None
        return created, replied, solved

    def _note(self) -> None:
        found = self.report.files[-1]
        found.source = "freshdesk" if len(FRESHDESK & set(map(normal, self.columns.headers))) >= 3 else "csv"
        names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
        found.notes["delimiter"] = names.get(self.form.delimiter, self.form.delimiter)
        found.notes["columns"] = self.columns.note()
        if header := self._header("agent_minutes"):
            unit = {60.0: "hours", 1.0: "minutes"}.get(self.minute_factor, "seconds")
            found.notes["minutes"] = f"{header}: {unit}, unless written as HH:MM"
        if unread := self.columns.unread():
            found.notes["unread"] = f"long texts that are not read: {', '.join(unread)}"
        if self.is_headless:
            found.notes["header"] = "none, the first row was read as a ticket"

    def _header(self, field: str) -> str:
        at = self.columns.of.get(field)
        return "" if at is None else self.columns.name(at)

    def _find_order(self) -> Order:
        at = [
            self.columns.of[field]
            for field in ("created_at", "first_reply_at", "solved_at")
            if field in self.columns.of
        ]
        values = [cell for index in at for cell in self.columns.cells[index]]
        order, why = find_order(values, self.columns.is_english)
        self.report.files[-1].notes["dates"] = f"{'day' if order == 'dmy' else 'month'} first: {why}"
        return order

    def _fitted(self, record: Record) -> list[str] | None:
        """The cells, as many as the header has: an unquoted delimiter in the last column is put back."""
        cells, width = record.cells, len(self.columns.headers)
        if not any(cell.strip() for cell in cells) or (
            cells == self.columns.headers and not self.is_headless
        ):
            return None
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if len(cells) > width and self.columns.of.get("body") == width - 1:
            cells = [*cells[: width - 1], self.form.delimiter.join(cells[width - 1 :])]
        if len(cells) > width or len(cells) <= max(self.columns.of.get("id", 0), width // 2 - 1):
            self.report.problem(record.line, "", f"has {len(cells)} columns, the header {width}; left out")
            self.report.files[-1].left_out += 1
            return None
        return cells

    def _cell(self, cells: Sequence[str], field: str) -> str:
        at = self.columns.of.get(field)
        return cells[at].strip() if at is not None and at < len(cells) else ""

    def _time(self, record: Record, cells: Sequence[str], field: str) -> datetime | None:
        text = self._cell(cells, field)
        if not text or text in ("-", "–", "0", "NULL", "null", "None", "N/A", "n/a"):
            return None
        found = parse_time(text, self.order, self.options.time_zone)
        if found is None:
            reason = f"is no date that can be{quoted_time(text)}"
            self.report.problem(record.line, self._header(field), reason)
        return found

    def _after(self, created: datetime | None, cells: Sequence[str], field: str) -> datetime | None:
        minutes = _amount(self._cell(cells, field), _minute_factor(self._header(field), "hour"))
        return created + timedelta(minutes=minutes) if created and minutes is not None else None

    def _minutes(self, record: Record, cells: Sequence[str]) -> float | None:
        text = self._cell(cells, "agent_minutes")
        found = _amount(text, self.minute_factor)
        if text and found is None:
            self.report.problem(record.line, self._header("agent_minutes"), "is no length of time")
        return None if found is None else round(found, 2)

    def _person(self, cells: Sequence[str]) -> tuple[str, str]:
        """Name and address, also where one column holds both (`Ann <ann@...>`)."""
        name, email = self._cell(cells, "requester_name"), self._cell(cells, "requester_email")
        both = next((each for each in (email, name) if "@" in each), "")
        if "<" not in both and both != name:
            return name, email
        parsed_name, parsed_email = parseaddr(both)
        return (parsed_name if "@" in name or not name else name), parsed_email

    def _language(self, cells: Sequence[str]) -> str:
        code = self._cell(cells, "language").replace("_", "-").split("-")[0].lower()
        return code if len(code) == 2 and code.isalpha() else ""


def _minute_factor(header: str, otherwise: str = "") -> float:
    """How many minutes one of the column is, by the unit in its name."""
    words = f" {normal(header) or otherwise} "
    if (
        any(f" {unit}" in words for unit in ("sec", "sek", "segundo", "secondi", "seconden", "sn ", "сек"))
        or "秒" in words
    ):
        return 1 / 60
    hours = (
        " hour",
        " h ",
        " hrs",
        " hr ",
        " stunde",
        " std",
        " heure",
        " hora",
        " ore ",
        " uren",
        " uur",
        " godz",
        " saat",
        " timm",
        " timer",
        " tunti",
        " hodin",
        " óra",
        " час",
    )
    return 60 if any(unit in words for unit in hours) or (otherwise == "hour" and " min" not in words) else 1


def _amount(text: str, factor: float) -> float | None:
    """Minutes of `HH:MM` or of a number with a point or a comma, None for anything else."""
    clock = clock_minutes(text)
    if clock is not None:
        return clock
    figures = text.strip().split(" ")[0].rstrip("minhstd.").replace(",", ".")
    try:
        found = float(figures)
    except ValueError:
        return None
    return found * factor if 0 <= found < 1e7 else None
