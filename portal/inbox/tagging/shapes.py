"""Shapes of rules: words that stand near each other.

{cancel} ~ {subscription}     both within 45 signs, in any order; {...} is a list of words of the same file
stop .. renew*|extend*        in this order; `|` divides words that mean the same, `*` is any ending (or beginning)
don't want it                 a phrase: these words, one after another
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from portal.inbox.tagging.spotting import Lexicon, Span

GAP = 45
"""Signs that may stand between two terms of a shape."""
JOIN = re.compile(r" (~|\.\.) ")


@dataclass(frozen=True, slots=True)
class Shape:
    """Terms, and how each is joined to those before it: `~` near, `..` near and after. `written` as the file has it."""

    written: str
    terms: tuple[int, ...]
    joins: tuple[str, ...]
    needs: frozenset[int]

    def found(self, spans: Mapping[int, Sequence[Span]], place: Span) -> Span | None:
        """The first place, within `place`, where all terms stand as the shape says."""
        if not spans.keys() >= self.needs:
            return None
        begin, end = place
        firsts = (span for span in spans[self.terms[0]] if begin <= span[0] and span[1] <= end)
        hits = (self._rest(spans, first, place) for first in firsts)
        return next((hit for hit in hits if hit), None)

    def _rest(self, spans: Mapping[int, Sequence[Span]], so_far: Span, place: Span) -> Span | None:
        low, high = so_far
        for term, join in zip(self.terms[1:], self.joins, strict=True):
            near = next((span for span in spans[term] if _is_near(span, (low, high), join, place)), None)
            if near is None:
                return None
            low, high = min(low, near[0]), max(high, near[1])
        return low, high


def _is_near(span: Span, other: Span, join: str, place: Span) -> bool:
    if span[0] < place[0] or span[1] > place[1]:
        return False
    after = 0 <= span[0] - other[1] <= GAP
    return after or (join == "~" and 0 <= other[0] - span[1] <= GAP)


class Shapes:
    """Reads shapes into a lexicon. `lists` are the file's lists of words, by name."""

    def __init__(self, lexicon: Lexicon, lists: Mapping[str, Sequence[str]]) -> None:
        self._lexicon, self._lists = lexicon, lists
        self._terms: dict[str, int] = {}

    def read(self, written: str) -> Shape:
        """One shape. Raises ValueError for a list that does not exist and for a term without a word."""
        pieces = JOIN.split(written)
        terms = tuple(self._term(piece) for piece in pieces[::2])
        return Shape(written, terms, tuple(pieces[1::2]), frozenset(terms))

    def _term(self, piece: str) -> int:
        if piece not in self._terms:
            self._terms[piece] = self._lexicon.add_term(list(self._phrases(piece)))
        return self._terms[piece]

    def _phrases(self, piece: str) -> Iterator[str]:
        for phrase in piece.split("|"):
            if not phrase.startswith("{"):
                yield phrase
            elif phrase.strip("{}") in self._lists:
                yield from self._lists[phrase.strip("{}")]
            else:
                raise ValueError(f"there is no list {phrase}")
