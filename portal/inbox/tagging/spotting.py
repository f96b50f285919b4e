"""Finds the words of the rules in a text: it looks each word up, so that many rules cost little more than few."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from portal.inbox.tagging.text import UNSPACED

WORD = re.compile(r"[^\W_]+")
NOISE = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,255}|https?://\S+|\[(?:email|number|name|key|link|redacted)\]")
"""Addresses, links and the marks that redaction leaves: their words are not the writer's."""
PLAIN = str.maketrans(
    {"ß": "ss", "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"}
)
SHORTEST_INNER = 4
MOST_SPANS = 20
"""Places kept of each term: more say nothing new, and bound the work on a text that repeats itself."""
MOST_REMEMBERED = 50_000

Span = tuple[int, int]


class Word(NamedTuple):
    """A word of a text without accents, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a phrase: `open` ends in a star (any ending), `inner` begins with one (any beginning)."""

    stem: str
    is_open: bool
    is_inner: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is one word only."""
        return not (self.is_open or self.is_inner)

    def fits(self, word: str) -> bool:
        """Whether this is such a word."""
        if self.is_inner:
            return self.stem in word if self.is_open else word.endswith(self.stem)
        return word.startswith(self.stem) if self.is_open else word == self.stem


def without_accents(text: str) -> str:
    """Without the accents that many people leave out."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text.translate(PLAIN))
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def words_in(text: str) -> list[Word]:
    """The words of a normalised text without accents. Signs of scripts without spaces are a word each."""
    return list(_words_in(NOISE.sub(lambda noise: " " * len(noise.group()), text)))


def _words_in(text: str) -> Iterator[Word]:
    for found in WORD.finditer(text):
        word, start = found.group(), found.start()
        if word.isascii() or not UNSPACED.search(word):
            yield Word(word, start, found.end())
        else:
            yield from (Word(sign, start + place, start + place + 1) for place, sign in enumerate(word))


def parts_of(phrase: str) -> tuple[Part, ...]:
    """The words of a phrase as a rule has it, `sign* in` or `*konto*`. Raises ValueError where it has none."""
    plain = without_accents(unicodedata.normalize("NFKC", phrase).lower())
    parts = tuple(
        Part(
            word.text, plain[word.end : word.end + 1] == "*", word.start > 0 and plain[word.start - 1] == "*"
        )
        for word in _words_in(plain)
    )
    if not parts:
        raise ValueError(f"no word in {phrase!r}")
    return parts


class Lexicon:
    """All phrases, by how their first word begins. A term is a set of phrases that mean the same."""

    def __init__(self) -> None:
        self._phrases: list[tuple[tuple[Part, ...], int]] = []
        self._whole: dict[str, list[int]] = {}
        self._pairs: dict[tuple[str, str], list[int]] = {}
        self._begun: dict[str, list[int]] = {}
        self._inner: list[int] = []
        self._terms = 0
        self._longest = 0
        self._remembered: dict[str, tuple[int, ...]] = {}

    def add_term(self, phrases: Iterable[str]) -> int:
        """A new term; its number."""
        for phrase in dict.fromkeys(phrases):
            self._add(parts_of(phrase), self._terms)
        self._terms += 1
        return self._terms - 1

    def _add(self, parts: tuple[Part, ...], term: int) -> None:
        number, first = len(self._phrases), parts[0]
        self._phrases.append((parts, term))
        if first.is_inner:
            self._inner.append(number)
        elif (
            len(parts) > 1 and parts[0].is_whole and parts[1].is_whole
        ):  # many phrases begin with `no` or `my`
            self._pairs.setdefault((first.stem, parts[1].stem), []).append(number)
        else:
            by_stem = self._begun if first.is_open else self._whole
            by_stem.setdefault(first.stem, []).append(number)
            self._longest = max(self._longest, len(first.stem))
        self._remembered.clear()

    def spans(self, words: list[Word]) -> dict[int, list[Span]]:
        """Where each term stands, in order; the first places only where it repeats itself."""
        found: dict[int, list[Span]] = {}
        for place, number in self._candidates([word.text for word in words]):
            parts, term = self._phrases[number]
            last = place + len(parts) - 1
            if last < len(words) and (last == place or _follow(parts, words, place)):
                spans = found.setdefault(term, [])
                if len(spans) < MOST_SPANS:
                    spans.append((words[place].start, words[last].end))
        return found

    def _candidates(self, words: list[str]) -> Iterator[tuple[int, int]]:
        """Each place with the numbers of the phrases that may stand there."""
        for place, pair in enumerate(zip(words, chain(words[1:], [""]), strict=False)):
            for number in self._beginning_with(pair[0]):
                yield place, number
            for number in self._pairs.get(pair, ()):
                yield place, number

    def _beginning_with(self, word: str) -> tuple[int, ...]:
        numbers = self._remembered.get(word)
        if numbers is None:
            numbers = tuple(self._look_up(word))
            if len(self._remembered) < MOST_REMEMBERED:
                self._remembered[word] = numbers
        return numbers

    def _look_up(self, word: str) -> Iterator[int]:
        yield from self._whole.get(word, ())
        for length in range(1, min(len(word), self._longest) + 1):
            yield from self._begun.get(word[:length], ())
        if len(word) >= SHORTEST_INNER:
            yield from (number for number in self._inner if self._phrases[number][0][0].fits(word))


def _follow(parts: tuple[Part, ...], words: list[Word], place: int) -> bool:
    return all(part.fits(words[place + after].text) for after, part in enumerate(parts) if after)
