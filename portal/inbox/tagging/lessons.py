"""What corrections teach: a memory of tickets whose reason a person has settled."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from portal.inbox.tagging.linear import Floats, unit

MARGIN = 1.0
"""By how much a settled reason shall lead on its own ticket."""
STRANGE, SAME = 0.1, 0.6
"""How many features any two tickets share, and how many those that say the same in other words: product of lengths."""
MOST_ROUNDS = 30

Sparse = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A settled ticket: its features, what the model says of it, and the index of its reason."""

    features: Sparse
    scores: Floats
    reason: int


class Lessons:
    """Raises the settled reason of tickets that resemble a lesson, and lowers the one mistaken for it.

    A perceptron over the lessons: gone through until every lesson has its reason by `MARGIN`.
    """

    def __init__(self, lessons: Sequence[Lesson], reasons: int) -> None:
        self._found: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for at, lesson in enumerate(lessons):
            for number, value in lesson.features.items():
                self._found[number].append((at, value))
        self._push = np.zeros((len(lessons), reasons), dtype=np.float32)
        self._learn(lessons)

    def _learn(self, lessons: Sequence[Lesson]) -> None:
        alike = [self._alike(lesson.features) for lesson in lessons]
        for _ in range(MOST_ROUNDS):
            missed = False
            for at, lesson in enumerate(lessons):
                scores = lesson.scores + alike[at] @ self._push
                rivals = scores.copy()
                rivals[lesson.reason] = -np.inf
                rival = int(rivals.argmax())
                lack = MARGIN - float(scores[lesson.reason] - scores[rival])
                if lack > MARGIN / 100:
                    missed = True
                    self._push[at, lesson.reason] += lack / 2
                    self._push[at, rival] -= lack / 2
            if not missed:
                return

    def _alike(self, features: Sparse) -> Floats:
        """How much a ticket resembles each lesson, from 0, not at all, to 1, the same."""
        alike = np.zeros(len(self._push), dtype=np.float32)
        for number, value in features.items():
            for at, other in self._found.get(number, ()):
                alike[at] += value * other
        return np.asarray(((alike - STRANGE) / (SAME - STRANGE)).clip(0, 1), dtype=np.float32)

    def correction(self, features: Sparse) -> Floats:
        """What to add to a ticket's scores."""
        return np.asarray(self._alike(features) @ self._push, dtype=np.float32)


def all_features(counts: Mapping[int, int], rarity: Mapping[int, float], rarest: float) -> dict[int, float]:
    """Counted features at length 1, also those that the model does not know: names of the product, say."""
    values = np.array([(1 + np.log(times)) * rarity.get(number, rarest) for number, times in counts.items()])
    return dict(zip(counts, unit(values.astype(np.float32)).tolist(), strict=True))
