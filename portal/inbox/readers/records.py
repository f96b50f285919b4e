"""Records of delimited text of any size: how it is delimited, and what to do about quotes that never close."""

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.inbox.readers.options import ReadReport

DELIMITERS = ",;\t|"
RECORD_LINES, RECORD_KEPT = 20_000, 4 << 20
"""A record with more lines or characters has a quote that is never closed, or one enormous text."""

# The limit of the csv module is one for the process; its own default refuses texts over 128 KB.
csv.field_size_limit(2 * RECORD_KEPT)


@dataclass(frozen=True, slots=True)
class Form:
    """How the columns of a file are told apart."""

    delimiter: str
    has_backslashes: bool
    columns: int

    def rows(self, lines: Iterable[str], is_strict: bool = False) -> Iterator[list[str]]:
        """The records of the lines; where strict, a quote out of its place is a `csv.Error`."""
        escape = "\\" if self.has_backslashes else None
        doubled = not self.has_backslashes
        return csv.reader(
            lines, delimiter=self.delimiter, doublequote=doubled, escapechar=escape, strict=is_strict
        )


def plain(line: str) -> str:
    """A line without zeros, and without carriage returns but at its end: the csv module refuses them."""
    text = line.rstrip("\r\n")
    return text.replace("\r", " ").replace("\0", "") + line[len(text) :]


def find_form(lines: Iterable[str]) -> Form:
    """The delimiter by which most records have the same number of columns, and more than one."""
    lines = [plain(line) for line in lines]
    said = lines[0].strip().lower() if lines else ""
    delimiters = said[4] if said.startswith("sep=") and len(said) == 5 else DELIMITERS
    text = "".join(lines)
    has_backslashes = '\\"' in text and '""' not in text.replace(',""', "").replace(';""', "").replace(
        '\t""', ""
    )
    forms = [_measured(lines, delimiter, has_backslashes) for delimiter in delimiters]
    return max(forms, key=lambda each: each[0])[1]


def _measured(lines: list[str], delimiter: str, has_backslashes: bool) -> tuple[float, Form]:
    form = Form(delimiter, has_backslashes, 1)
    try:
        counts = Counter(len(row) for row in form.rows(lines) if row)
    except csv.Error:
        return 0.0, form
    columns = max(counts, key=lambda each: (counts[each] * min(each, 4), each), default=1)
    share = counts[columns] / max(1, counts.total())
    return (share * min(columns, 8) if columns > 1 else 0.01), Form(delimiter, has_backslashes, columns)


@dataclass(frozen=True, slots=True)
class Record:
    """One record and the line in which it begins."""

    line: int
    cells: list[str]


class _EndlessError(Exception):
    """A record takes more lines than any ticket has."""


class Records:
    """Goes through the records; after a quote that never closes it goes on with the next line."""

    def __init__(self, lines: Iterable[str], form: Form, report: ReadReport) -> None:
        self.lines = map(plain, lines)
        self.form = form
        self.report = report
        self.again: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 1

    def __iter__(self) -> Iterator[Record]:
        while True:
            self.taken = []
            try:
                cells = next(self.form.rows(self._feed(), is_strict=True), None)
            except _EndlessError:
                cells = self._after_endless()
            except csv.Error:
                cells = self._first_line()
            if cells is None:
                return
            if cells:
                yield Record(self.line, cells)
            self.line += len(self.taken)

    def _feed(self) -> Iterator[str]:
        size = 0
        while True:
            line = self.again.popleft() if self.again else next(self.lines, None)
            if line is None:
                return
            self.taken.append(line)
            size += len(line)
            if len(self.taken) > RECORD_LINES or size > RECORD_KEPT:
                raise _EndlessError
            yield line

    def _first_line(self) -> list[str]:
        """A quote was left open, or stands where none belongs: only the first line is taken, the others again."""
        if len(self.taken) > 1:
            self.report.problem(
                self.line, "", "has a quote that is never closed; its text ends with the line"
            )
        self.again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        return next(self.form.rows(self.taken), [])

    def _after_endless(self) -> list[str]:
        """One enormous text is cut; where the lines below look like records, a quote was left open."""
        below = list(self.form.rows(line[:RECORD_KEPT] for line in self.taken[1:51]))
        if sum(len(row) == self.form.columns for row in below) * 2 >= len(below) and below:
            return self._first_line()
        self.report.problem(
            self.line, "", f"has a text over {RECORD_KEPT >> 20} MB or {RECORD_LINES} lines, which was cut"
        )
        cut = "".join(self.taken)[:RECORD_KEPT].rstrip('"') + '"\n'
        cells = next(self.form.rows([cut]), [])
        for line in self.lines:
            self.taken.append("")
            if line.count('"') % 2:
                break
        return cells
