"""Which column of a table holds what: by what it is called, and by what it holds."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from portal.inbox.readers.dates import parse_time, triple
from portal.inbox.readers.freshdesk import clock_minutes
from portal.inbox.readers.options import ReadReport
from portal.inbox.redaction import redact

HEADERS_FILE = Path(__file__).with_name("headers.toml")
EXACT, PARTLY = 100.0, 40.0
MOST = 0.5
"""The share of a column's cells that must look like what its field holds."""
LEAST_BODY = 15
"""Characters that the texts of a column without a telling name have on average, to be taken for the body."""

LONGEST_TITLE, LONG_TEXT = 80, 40
"""Characters: what a column of subjects has on average at most, and one of texts that a person writes at least."""

LONGEST_NAME, MOST_WORDS = 40, 7
"""A header that is longer, or has so many words, is not quoted: it may be somebody's text."""

_TIMES = frozenset({"created_at", "first_reply_at", "solved_at"})
_AMOUNTS = frozenset({"agent_minutes", "first_reply_after", "solved_after"})
_ENGLISH = frozenset(["created", "subject", "body", "requester", "assignee", "opened", "resolved"])
_EMAIL = re.compile(r"[^@\s<]+@[^@\s>]+\.[^@\s>]+")
_AMOUNT = re.compile(r"-?\d+(?:[.,]\d+)?\s*\w{0,7}\.?")
_ID = re.compile(r"#?(?:[A-Z]{1,5}-?\d{1,10}|[1-9]\d{0,7})")
"""What an id looks like. More figures than eight may be those of a telephone."""
_FIGURES = re.compile(r"[\d.,]+")


def normal(header: str) -> str:
    """A header without what does not tell: case, signs, spaces."""
    folded = unicodedata.normalize("NFKC", header).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


@cache
def _names() -> dict[str, frozenset[str]]:
    rows: dict[str, Any] = tomllib.loads(HEADERS_FILE.read_text(encoding="utf-8"))
    return {
        field: frozenset(map(normal, names))
        for field, names in rows.items()
        if field not in ("states", "not_asked")
    }


@cache
def _not_asked() -> frozenset[str]:
    rows: dict[str, Any] = tomllib.loads(HEADERS_FILE.read_text(encoding="utf-8"))
    return frozenset(map(normal, rows["not_asked"]))


@cache
def states() -> dict[str, str]:
    """What a word in a column of states stands for: solved, closed, open, pending, spam or merged."""
    rows: dict[str, list[str]] = tomllib.loads(HEADERS_FILE.read_text(encoding="utf-8"))["states"]
    return {normal(word): state for state, words in rows.items() for word in words}


def is_time(text: str) -> bool:
    """Whether a cell holds a date in either order."""
    return parse_time(text, "dmy", UTC) is not None or parse_time(text, "mdy", UTC) is not None


def known_names(row: Sequence[str]) -> int:
    """How many cells of a row are names of columns."""
    return sum(any(normal(cell) in names for names in _names().values()) for cell in row)


def is_headless(first: Sequence[str], second: Sequence[str] = ()) -> bool:
    """Whether a table's first row is a ticket already: it holds a date, an address, a sentence, or an id as the next.

    One cell may be a name by chance (`email` as a channel), but not beside a sentence, as which forms ask.
    """
    known, pairs = known_names(first), zip(first, second, strict=False)
    is_told = any(_EMAIL.fullmatch(cell.strip()) or _is_written_time(cell) for cell in first)
    if is_told or any(_ID.fullmatch(one) and _shape(one) == _shape(other) for one, other in pairs):
        return known < 2
    return not known and any(map(_is_sentence, first))


def _shape(cell: str) -> str:
    return re.sub(r"\d+", "0", cell.strip())


def _is_ticket_id(header: str) -> bool:
    """Whether it is the name of an id, or holds one of two words: a lone `number` or `id` may be of a person."""
    return header in _names()["id"] or any(
        " " in name and f" {name} " in f" {header} " for name in _names()["id"]
    )


def _is_sentence(cell: str) -> bool:
    words = len(cell.split())
    return len(cell) > LONGEST_NAME or words >= MOST_WORDS or (words > 1 and cell[-1] in ".!?。")


class Columns:
    """The columns of one table. `of` has the index of each field that was found, `headers` the names."""

    def __init__(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.headers = list(headers)
        self.cells = [
            [row[at].strip() for row in rows if at < len(row) and row[at].strip()]
            for at in range(len(headers))
        ]
        self.of: dict[str, int] = {}

    def find(self, said: Mapping[str, str], report: ReadReport) -> None:
        """Finds the columns; those of `said` (field -> header) are taken as they are."""
        by_name = {normal(header): at for at, header in enumerate(self.headers)}
        for field, header in said.items():
            if (at := by_name.get(normal(header))) is None:
                report.problem(1, field, f"no column is called {header!r}")
            else:
                self.of[field] = at
                report.columns_found.add(field)
        for _, field, at in sorted(self._scores(), key=lambda each: -each[0]):
            if field not in self.of and at not in self.of.values():
                self.of[field] = at
        if "body" in self.of and "body" not in said:
            self._settle_texts()
        self._by_content()

    @property
    def is_english(self) -> bool:
        """Whether the headers are English."""
        return bool(_ENGLISH & set(" ".join(map(normal, self.headers)).split()))

    def note(self) -> str:
        """The columns in words."""
        return ", ".join(f"{field}={self.name(at)}" for field, at in self.of.items())

    def unread(self) -> list[str]:
        """The names of the columns of long texts that no field is read from."""
        return [self.name(at) for at in self._free() if self._is_long(at)]

    def name(self, at: int) -> str:
        """What a column is called, its number where it has no name or one that may be of a ticket."""
        header = self.headers[at]
        is_told = header and not _is_sentence(header) and "@" not in header and redact(header) == header
        return header if is_told else f"column {at + 1}"

    def _scores(self) -> Iterator[tuple[float, str, int]]:
        for at, header in enumerate(self.headers):
            for field, names in _names().items():
                score = _name_score(normal(header), names)
                if score and self._holds(field, at):
                    yield score, field, at

    def _settle_texts(self) -> None:
        """Of several columns named as the text, the one that holds most is it; a short one may be the subject."""
        names, named = _names()["body"], self.of["body"]
        exact = {at for at, header in enumerate(self.headers) if normal(header) in names}
        rivals = [
            at
            for at in self._free()
            if (at in exact or (_name_score(normal(self.headers[at]), names) and self._is_written(at)))
            and self._is_asked(at)
            and self._holds("body", at)
        ]
        if not rivals:
            return
        if named in exact or self._is_asked(named):
            rivals.insert(0, named)
        best = max(rivals, key=lambda at: (self._is_written(at), sum(map(len, self.cells[at]))))
        self.of["body"] = best
        if "subject" not in self.of:
            self._take("subject", [at for at in rivals if self._is_title_of(at, best)])

    def _is_asked(self, at: int) -> bool:
        return not _name_score(normal(self.headers[at]), _not_asked())

    def _rank(self, at: int) -> tuple[bool, bool, float]:
        is_long = self._is_long(at)
        return not is_long, is_long and not self._is_asked(at), -self._length(at)

    def _is_long(self, at: int) -> bool:
        return self._length(at) >= LONG_TEXT and self._is_written(at)

    def _is_title_of(self, at: int, body: int) -> bool:
        is_short = self._length(at) <= min(LONGEST_TITLE, self._length(body))
        is_filled = len(self.cells[at]) >= MOST * len(self.cells[body])
        return at != body and is_short and is_filled and self._is_asked(at)

    def _is_written(self, at: int) -> bool:
        """Whether its cells are words that somebody wrote: no dates, addresses, links or single words."""
        cells = self.cells[at][:100]
        return _share(cells, lambda cell: " " in cell or not cell.isascii()) >= MOST > _share(cells, is_time)

    def _holds(self, field: str, at: int) -> bool:
        cells = self.cells[at][:100]
        if not cells:
            return True
        if field in _TIMES:
            return _share(cells, lambda cell: triple(cell) is not None or is_time(cell)) >= MOST
        if field in _AMOUNTS:
            return (
                _share(cells, lambda cell: bool(_AMOUNT.fullmatch(cell)) or clock_minutes(cell) is not None)
                >= MOST
            )
        if field == "id":
            is_person = any("@" in cell or cell.startswith("+") for cell in cells)
            return not is_person and (_is_ticket_id(normal(self.headers[at])) or self._is_id(at))
        if field == "requester_email":
            return _share(cells, lambda cell: bool(_EMAIL.search(cell))) >= MOST
        if field in ("status", "channel", "assignee", "language"):
            return not any(len(cell) > 80 for cell in cells)
        return field != "body" or _share(cells, is_time) < MOST

    def _free(self) -> list[int]:
        return [at for at in range(len(self.headers)) if at not in self.of.values() and self.cells[at]]

    def _by_content(self) -> None:
        """Address, date and text are known by their look where no name told."""
        if "id" not in self.of:
            nameless = [at for at in self._free() if not self.headers[at] and not is_time(self.cells[at][0])]
            self._take("id", [at for at in nameless if self._is_id(at)])
        if "requester_email" not in self.of:
            self._take(
                "requester_email",
                [at for at in self._free() if _share(self.cells[at][:100], _is_email) >= MOST],
            )
        if "created_at" not in self.of:
            dated = [at for at in self._free() if _share(self.cells[at][:100], _is_written_time) >= MOST]
            self._take("created_at", sorted(dated, key=self._middle))
        if "body" not in self.of:
            texts = sorted(self._free(), key=self._rank)
            self._take(
                "body",
                [
                    at
                    for at in texts
                    if self._length(at) >= LEAST_BODY and not _is_written_time(self.cells[at][0])
                ],
            )

    def _take(self, field: str, found: Sequence[int]) -> None:
        if found:
            self.of[field] = found[0]

    def _is_id(self, at: int) -> bool:
        """Whether its cells look like ids and are all different; a telephone, a customer or a name is none."""
        cells = self.cells[at]
        return len(set(cells)) == len(cells) and all(map(_ID.fullmatch, cells))

    def _length(self, at: int) -> float:
        return sum(map(len, self.cells[at])) / max(1, len(self.cells[at]))

    def _middle(self, at: int) -> float:
        times = [
            parse_time(cell, "dmy", UTC) or parse_time(cell, "mdy", UTC) for cell in self.cells[at][:100]
        ]
        return median(each.timestamp() for each in times if each)


def _share(cells: Sequence[str], test: Any) -> float:
    return sum(1 for cell in cells if test(cell)) / max(1, len(cells))


def _is_email(cell: str) -> bool:
    return _EMAIL.search(cell) is not None and len(cell) < 120


def _is_written_time(cell: str) -> bool:
    return is_time(cell) and not _FIGURES.fullmatch(cell)


def _name_score(header: str, names: frozenset[str]) -> float:
    if header in names:
        return EXACT
    if not header:
        return 0.0
    padded = f" {header} "
    inside = [
        name
        for name in names
        if f" {name} " in padded or (not name.isascii() and len(name) > 1 and name in header)
    ]
    longest = max(map(len, inside), default=0)
    return PARTLY + 30 * longest / len(header) if longest >= 2 else 0.0
