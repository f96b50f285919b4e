"""Messages below or inside a message: what was written before is not the request."""

import re

from portal.inbox.stripping.phrases import header_line, header_lines, one_of, wrote_line

WROTE_LINES = 3
FEW_WORDS = 4
"""A forwarded message with fewer words of the sender's own above it is the request itself."""

_QUOTED = re.compile(r"\s*(?:>|&gt;)")


def _begins_original(lines: list[str], at: int) -> bool:
    line = lines[at].strip()
    if one_of("original").fullmatch(line):
        return line[:1] != "_" or any(header_line().fullmatch(each) for each in lines[at + 1 : at + 3])
    return bool(header_lines().match("\n".join(lines[at : at + 3]).lstrip()))


def _wrote_length(lines: list[str], at: int) -> int:
    """How many lines from `at` on say who wrote what is quoted; 0: none."""
    for count in range(1, WROTE_LINES + 1):
        piece = " ".join(line.strip() for line in lines[at : at + count])
        if len(piece) <= 300 and lines[at].strip() and wrote_line(count == 1).fullmatch(piece.lstrip("> ")):
            return count
    return 0


def _without_headers(lines: list[str]) -> list[str]:
    at = 0
    while at < len(lines) and (not lines[at].strip() or header_line().fullmatch(lines[at])):
        at += 1
    return lines[at:]


def _words(lines: list[str]) -> int:
    return len(" ".join(lines).split())


def _cut_at(lines: list[str], at: int, skipped: int) -> list[str]:
    """What is above; where that is next to nothing, what is below instead, as with forwarded messages."""
    above = lines[:at]
    if _words(above) >= FEW_WORDS or one_of("forwarded").fullmatch(lines[at].strip()) is None:
        return above
    return [*above, *_without_headers(lines[at + skipped :])]


def _first_cut(lines: list[str]) -> list[str] | None:
    for at in range(len(lines)):
        if one_of("forwarded").fullmatch(lines[at].strip()) or _begins_original(lines, at):
            return _cut_at(lines, at, 1)
        count = _wrote_length(lines, at)
        if count:
            below = [line for line in lines[at + count :] if line.strip()]
            quoted = sum(1 for line in below if _QUOTED.match(line))
            if quoted == 0 or quoted == len(below):
                return lines[:at]
            return [*lines[:at], *lines[at + count :]]
    return None


def strip_quotes(text: str) -> str:
    """`text` without quoted lines and without the messages below it.

    Answers between quoted lines stay; a forwarded message with nothing above it stays, without its header.
    """
    lines = text.split("\n")
    cut = _first_cut(lines)
    lines = lines if cut is None else cut
    return "\n".join(line for line in lines if not _QUOTED.match(line))
