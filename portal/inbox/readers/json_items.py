"""The objects of JSON files of any size: lines, arrays, and pages such as `{"tickets": [...]}`."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from portal.inbox.readers.options import ReadReport
from portal.inbox.readers.streams import byte_lines
from portal.inbox.readers.values import Object

PAGE_KEYS = frozenset({"tickets", "conversations", "results", "data", "items", "suspended_tickets"})
SIDE_KEYS = frozenset({"users", "metric_sets", "ticket_metrics"})
OBJECT_KEPT = 32 << 20
STRING_SCANNED, STRING_KEPT = 2 << 20, 256 << 10
"""A string that has not ended after so many bytes is cut to so many."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])', re.DOTALL)
"""Up to the next bracket outside strings."""
_STRING_REST = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_CLOSING = {b"}": b"{", b"]": b"["}


@dataclass(frozen=True, slots=True)
class Item:
    """An object, the key of the page's list it was in (`""`: none), and the line in which it begins."""

    key: str
    line: int
    value: Object


def json_items(pieces: Iterable[bytes], head: bytes, report: ReadReport) -> Iterator[Item]:
    """The objects in order. `pieces` are UTF-8, `head` their beginning.

    What is broken is reported by line. Where each line is an object of its own, the lines behind a broken one are
    read; otherwise what came before is kept.
    """
    if _is_by_line(head):
        yield from _from_lines(pieces, report)
    else:
        yield from _Scanner(report).items(pieces)


def _is_by_line(head: bytes) -> bool:
    first = head.lstrip(b"\xef\xbb\xbf \r\n\t").split(b"\n", 1)[0].strip()
    return first.startswith(b"{") and first.endswith(b"}")


def _loaded(raw: bytes, line: int, report: ReadReport) -> Any:
    """The value, None where it is broken, which is reported."""
    try:
        return json.loads(raw.decode(), strict=False)
    except UnicodeDecodeError:
        report.problem(line, "", "is not UTF-8; unreadable letters were replaced")
        return _loaded(raw.decode(errors="replace").encode(), line, report)
    except ValueError as error:
        report.problem(line, "", f"is broken JSON and was left out: {error}")
    except RecursionError:
        report.problem(line, "", "is nested too deeply and was left out")
    return None


def _from_lines(pieces: Iterable[bytes], report: ReadReport) -> Iterator[Item]:
    for number, line in byte_lines(pieces, report):
        raw = line.strip(b"\xef\xbb\xbf \r\n\t")
        if raw:
            yield from _expanded(_loaded(raw, number, report), number)


def _expanded(value: Any, line: int) -> Iterator[Item]:
    """The object itself, or where it is a page, what is in its lists."""
    if not isinstance(value, dict):
        return
    embedded = value.get("_embedded")
    pages = {**value, **embedded} if "id" not in value and isinstance(embedded, dict) else value
    lists = [key for key in pages if key in PAGE_KEYS | SIDE_KEYS and isinstance(pages[key], list)]
    if "id" in value or not lists:
        yield Item("", line, value)
        return
    for key in lists:
        yield from (Item(key, line, each) for each in pages[key] if isinstance(each, dict))


def _open_escape(piece: bytes) -> bytes:
    """The backslash at the end of a piece of a string whose letter is yet to come."""
    return b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""


@dataclass(slots=True)
class _Scanner:
    """Finds where objects begin and end without decoding what is around them."""

    report: ReadReport
    buffer: bytes = b""
    at: int = 0
    line: int = 1
    counted: int = 0
    open: list[tuple[bytes, str]] = field(default_factory=list)
    last_string: bytes = b""
    item_at: int | None = None
    item_key: str = ""
    item_depth: int = 0
    item_line: int = 0
    has_id: bool = False
    is_page: bool = False
    escape: bytes = b""
    is_skipping: bool = False
    is_broken: bool = False

    def items(self, pieces: Iterable[bytes]) -> Iterator[Item]:
        for piece in pieces:
            self._take(piece)
            self._pass_over()
            while not self.is_broken and (token := _TOKEN.search(self.buffer, self.at)):
                if token[0] == b'"':
                    self.at = token.start()
                    self._cut_string()
                    break
                self.at = token.end()
                yield from self._handled(token)
                self._pass_over()
            else:
                self.at = len(self.buffer)
            if self.is_broken:
                return
        self._end()

    def _line_at(self, position: int) -> int:
        """The line of a place in the buffer that lies behind those asked for before."""
        if position > self.counted:
            self.line += self.buffer.count(b"\n", self.counted, position)
            self.counted = position
        return self.line

    def _pass_over(self) -> None:
        """The inside of an object that is in a list: only where its brackets close matters."""
        if self.item_at is None or self.item_depth == 0:
            return
        deep = self.item_depth + 1
        while match := _BRACKET.match(self.buffer, self.at):
            mark = match[1]
            if mark in _CLOSING:
                if len(self.open) <= deep or self.open[-1][0] != _CLOSING[mark]:
                    return
                self.open.pop()
            else:
                self.open.append((mark, ""))
            self.at = match.end()

    def _take(self, piece: bytes) -> None:
        """A further piece; what lies before the present object and has been looked at is forgotten."""
        if self.is_skipping:
            piece = self.escape + piece
            end = _STRING_REST.match(piece)
            self.escape = _open_escape(piece)
            if end is None:
                return
            piece = piece[end.end() :]
            self.is_skipping = False
        keep = self.at if self.item_at is None else self.item_at
        self._line_at(keep)
        self.buffer = self.buffer[keep:] + piece
        self.at -= keep
        self.counted -= keep
        self.item_at = None if self.item_at is None else 0
        if len(self.buffer) > OBJECT_KEPT + len(piece) and self.item_at is not None:
            self._drop_item()

    def _drop_item(self) -> None:
        self.report.problem(self.item_line, "", f"is larger than {OBJECT_KEPT >> 20} MB and was left out")
        self.item_at = None

    def _cut_string(self) -> None:
        """A string without an end in sight: its beginning is kept, the rest is skipped as it comes."""
        if len(self.buffer) - self.at < STRING_SCANNED:
            return
        end = self.at + STRING_KEPT
        while self.buffer[end] > 0x7F or b"\\" in self.buffer[end - 6 : end]:
            end -= 1
        self.escape = _open_escape(self.buffer[self.at + 1 :])
        self.buffer = self.buffer[:end] + b'"'
        self.at = len(self.buffer)
        self.is_skipping = True
        line = self._line_at(self.at)
        self.report.problem(line, "", f"has a text longer than {STRING_SCANNED >> 20} MB, which was cut")

    def _handled(self, token: re.Match[bytes]) -> Iterator[Item]:
        mark = token[0]
        if mark in (b"{", b"["):
            self._opened(mark, token.start())
        elif mark in _CLOSING:
            yield from self._closed(mark, token.end())
        else:
            self.last_string = mark[1:-1] if len(mark) < 40 else b""
            if (
                len(self.open) == 1
                and mark == b'"id"'
                and self.buffer[self.at : self.at + 20].lstrip().startswith(b":")
            ):
                self.has_id = True

    def _opened(self, mark: bytes, start: int) -> None:
        key = self.last_string.decode(errors="replace") if self.open and self.open[-1][0] == b"{" else ""
        keys = [name for _, name in self.open[1:]] + [key] if self.open else []
        if mark == b"{" and self._begins_item():
            self.item_at, self.item_depth, self.item_key = (
                start,
                len(self.open),
                self.open[-1][1] if self.open else "",
            )
            self.item_line = self._line_at(start)
            if not self.open:
                self.has_id = self.is_page = False
        elif mark == b"[" and self.item_at is not None and self.item_depth == 0 and self._is_page(keys):
            self.item_at, self.is_page = None, True
        self.open.append((mark, key))

    def _is_page(self, keys: list[str]) -> bool:
        path = keys[1:] if keys[:1] == ["_embedded"] else keys
        is_listed = len(path) == 1 and path[0] in PAGE_KEYS | SIDE_KEYS
        return is_listed and not self.has_id and bool(self.open) and self.open[0][0] == b"{"

    def _begins_item(self) -> bool:
        if self.item_at is not None:
            return False
        if not self.open:
            return True
        if self.open[-1][0] != b"[":
            return False
        return len(self.open) == 1 or (self.is_page and self._is_page([name for _, name in self.open[1:]]))

    def _closed(self, mark: bytes, end: int) -> Iterator[Item]:
        if not self.open or self.open[-1][0] != _CLOSING[mark]:
            line = self._line_at(end)
            self.report.problem(
                line, "", f"is broken JSON ({mark.decode()!r} closes nothing); the rest was not read"
            )
            self.is_broken = True
            return
        self.open.pop()
        if self.item_at is not None and len(self.open) == self.item_depth:
            value = _loaded(self.buffer[self.item_at : end], self.item_line, self.report)
            line, self.item_at = self.item_line, None
            if isinstance(value, dict):
                yield Item(self.item_key, line, value)

    def _end(self) -> None:
        if self.item_at is not None:
            self.report.problem(
                self.item_line, "", "the file ends in the middle of this ticket, which was left out"
            )
        elif self.open:
            self.report.problem(
                self._line_at(len(self.buffer)), "", "the file ends before its list is closed"
            )
