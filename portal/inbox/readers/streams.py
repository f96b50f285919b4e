"""Files as bytes and as lines: gzip undone, encodings found, bytes counted, never whole in memory."""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from portal.inbox.readers.encodings import find_encoding
from portal.inbox.readers.options import ReadReport

CHUNK = 1 << 20
LINE_KEPT = 32 << 20
"""Bytes of one line that are kept; the rest of it is dropped and reported."""

_WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32")
_DIFFERENT_KINDS = (
    (b"PK\x03\x04", "a zip archive or an Excel file: save the sheet as CSV"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG\r\n", "a picture, no text"),
    (b"\xff\xd8\xff", "a picture, no text"),
    (b"GIF8", "a picture, no text"),
)


class _Counted(io.RawIOBase):
    """A file that tells how many bytes were taken from it."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        self.file = path.open("rb")
        self.on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        count = self.file.readinto(buffer)
        self.on_bytes(count)
        return count

    def close(self) -> None:
        self.file.close()
        super().close()


def chunks(
    path: Path, report: ReadReport, on_bytes: Callable[[int], None], most_unpacked: int | None = None
) -> Generator[bytes, None, None]:
    """The file's bytes piece by piece, unpacked where it is gzip; a damaged end is reported.

    What unpacks to more than `most_unpacked`, with what the report has counted before, is read up to there.
    """
    with closing(io.BufferedReader(_Counted(path, on_bytes), CHUNK)) as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        source = gzip.GzipFile(fileobj=raw) if packed else raw
        try:
            while piece := source.read1(CHUNK):
                report.unpacked += len(piece) if packed else 0
                if most_unpacked is not None and report.unpacked > most_unpacked:
                    size = f"{most_unpacked / 1_000_000:g} MB"
                    report.problem(0, "", f"unpacks to more than {size} in all; the rest was not read")
                    return
                yield piece
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            report.problem(0, "", f"gzip is damaged, the rest was not read: {error}")


def head_of(path: Path) -> bytes:
    """The first piece of the file."""
    quiet = ReadReport()
    quiet.start(path.name)
    head = b""
    with closing(chunks(path, quiet, lambda count: None)) as pieces:
        while len(head) < CHUNK and (piece := next(pieces, b"")):
            head += piece
    return head


def different_kind(head: bytes) -> str:
    """What the file is instead of text, `""` where it may be text."""
    found = next((name for magic, name in _DIFFERENT_KINDS if head.startswith(magic)), "")
    if found or find_encoding(head) in _WIDE:
        return found
    return "not text" if b"\x00" in head[:4096] else ""


def utf8(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8, without a mark. What is UTF-8 already passes as it is."""
    if encoding == "utf-8":
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for piece in pieces:
        yield decoder.decode(piece).encode(errors="replace")
    yield decoder.decode(b"", final=True).encode(errors="replace")


def byte_lines(pieces: Iterable[bytes], report: ReadReport) -> Iterator[tuple[int, bytes]]:
    """Each line with its number (from 1) and its line feed; of an enormous one the beginning."""
    rest, number, is_dropping = b"", 1, False
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        for line in whole:
            if not is_dropping:
                yield number, rest + line + b"\n"
            rest, number, is_dropping = b"", number + 1, False
        if is_dropping:
            continue
        rest += last
        if len(rest) > LINE_KEPT:
            report.problem(number, "", f"is longer than {LINE_KEPT >> 20} MB and was cut")
            yield number, rest[:LINE_KEPT] + b"\n"
            rest, is_dropping = b"", True
    if rest:
        yield number, rest


def _with_line_feeds(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that end with a carriage return alone end with a line feed instead, where no line feed is at all."""
    coming = iter(pieces)
    first = next(coming, b"")
    has_returns = b"\r" in first and b"\n" not in first
    for piece in chain((first,), coming):
        yield piece.replace(b"\r", b"\n") if has_returns else piece


def text_lines(pieces: Iterable[bytes], encoding: str, report: ReadReport) -> Iterator[str]:
    """Lines of text with their ends. A line that is no UTF-8 in a file that is otherwise, is read as Windows-1252."""
    as_utf8 = pieces if encoding == "utf-8" else utf8(pieces, encoding)
    for number, line in byte_lines(_with_line_feeds(as_utf8), report):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            report.problem(number, "", "is not UTF-8 like the lines before; read as Windows-1252")
            yield line.decode("cp1252", errors="replace")
