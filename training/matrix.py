"""Examples as matrices."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from portal.inbox.tagging.features import WordNumbers, count_features
from portal.inbox.tagging.linear import RULE_VALUE, feature_row
from portal.inbox.tagging.rules import Rules
from portal.inbox.tagging.types import TicketText

FEWEST_TICKETS = 2
"""A feature of one ticket alone says nothing."""


@dataclass(frozen=True)
class Vocabulary:
    """The features that count, and how rare each is."""

    numbers: NDArray[np.uint32]
    rarity: NDArray[np.float32]


def count_all(texts: Sequence[TicketText]) -> list[Counter[int]]:
    """Features of every text."""
    numbers = WordNumbers()
    return [count_features(text, numbers) for text in texts]


def choose_vocabulary(counts: Sequence[Counter[int]]) -> Vocabulary:
    """Features that occur in several tickets, with the smoothed inverse of how many."""
    tickets: Counter[int] = Counter()
    for one in counts:
        tickets.update(one.keys())
    numbers = sorted(number for number, times in tickets.items() if times >= FEWEST_TICKETS)
    often = np.array([tickets[number] for number in numbers], dtype=np.float32)
    rarity = np.log((1 + len(counts)) / (1 + often)) + 1
    return Vocabulary(np.array(numbers, dtype=np.uint32), rarity.astype(np.float32))


def feature_matrix(counts: Sequence[Counter[int]], vocabulary: Vocabulary) -> sparse.csr_matrix:
    """A row of length 1 for each ticket."""
    index = {int(number): at for at, number in enumerate(vocabulary.numbers)}
    rows = [feature_row(one, index, vocabulary.rarity) for one in counts]
    ends = np.cumsum([0, *(len(at) for at, _ in rows)])
    values = np.concatenate([value for _, value in rows])
    columns = np.concatenate([at for at, _ in rows])
    return sparse.csr_matrix((values, columns, ends), shape=(len(counts), len(vocabulary.numbers)))


def rule_matrix(texts: Sequence[TicketText], rules: Rules) -> sparse.csr_matrix:
    """A column for each rule: its value where it matches."""
    columns = {name: at for at, name in enumerate(rules.names)}
    filled = sparse.lil_matrix((len(texts), len(columns)), dtype=np.float32)
    for row, text in enumerate(texts):
        for match in rules.matches(text):
            filled[row, columns[match.rule.name]] = RULE_VALUE
    return filled.tocsr()
