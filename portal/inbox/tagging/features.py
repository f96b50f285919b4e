"""Word and letter features of a ticket, by number."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from zlib import crc32

from portal.inbox.tagging.text import normalise, words_of
from portal.inbox.tagging.types import TicketText

MOST_WORDS = 300
"""Of a body: what comes later rarely says why somebody wrote."""
MOST_SIGNS = 8_000
LETTERS = (4, 5)


def number_of(kind: str, feature: str) -> int:
    """A feature's number: 32 bits, so that no list of words needs to be shipped and few collide."""
    return crc32(f"{kind}{feature}".encode())


def spelling(word: str) -> Iterator[str]:
    """The word and its parts of some letters, which also find other forms and slips of the pen."""
    bounded = f"<{word}>"
    for length in LETTERS:
        for start in range(len(bounded) - length + 1):
            yield bounded[start : start + length]


class WordNumbers:
    """The numbers of one word's features; remembered, since words repeat."""

    def __init__(self, known: Mapping[int, int] | None = None, most: int = 50_000) -> None:
        self._known, self._most = known, most
        self._words: dict[str, list[int]] = {}

    def of(self, word: str) -> list[int]:
        """Numbers of the word and its parts, without those that are not known."""
        numbers = self._words.get(word)
        if numbers is None:
            numbers = [number_of("w", word), *(number_of("c", part) for part in spelling(word))]
            if self._known is not None:
                numbers = [number for number in numbers if number in self._known]
            if len(self._words) < self._most:
                self._words[word] = numbers
        return numbers


def split_words(text: TicketText) -> tuple[list[str], list[str]]:
    """The words of subject and body that count."""
    subject = words_of(normalise(text.subject[:MOST_SIGNS]))
    body = words_of(normalise(text.body[:MOST_SIGNS]))
    return subject[:MOST_WORDS], body[:MOST_WORDS]


def phrases(words: list[str]) -> Iterator[tuple[int, str]]:
    """Pairs of neighbours and of words with one between them: their number and how they read."""
    for first, second in zip(words, islice(words, 1, None), strict=False):
        yield number_of("b", f"{first} {second}"), f"{first} {second}"
    for first, third in zip(words, islice(words, 2, None), strict=False):
        yield number_of("k", f"{first} {third}"), f"{first} … {third}"


def count_features(text: TicketText, numbers: WordNumbers) -> Counter[int]:
    """How often each feature occurs. Words of the subject count twice: there and as such."""
    subject, body = split_words(text)
    counts: Counter[int] = Counter()
    for words in (subject, body):
        for word in words:
            counts.update(numbers.of(word))
        counts.update(number for number, _ in phrases(words))
    counts.update(number_of("s", word) for word in subject)
    return counts
