"""A linear model over counted features, with numpy alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from portal.inbox.tagging.features import WordNumbers
from portal.inbox.tagging.vectors import vector_values

Floats = NDArray[np.float32]
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Weights:
    """What training found. Rows of `rows` are features in the order of `numbers`, then rules, then vector parts.

    `rows` are whole numbers from -127 to 127; a column's times its `scales` is the weight towards its reason.
    """

    reasons: tuple[str, ...]
    numbers: NDArray[np.uint32]
    rarity: Floats
    rows: NDArray[np.int8]
    scales: Floats
    bias: Floats
    rules: tuple[str, ...]
    centres: Floats
    sharpness: float
    unclear_below: float
    digest: str


def load_weights(path: Path) -> Weights:
    """Weights as `python -m training` wrote them."""
    with np.load(path, allow_pickle=False) as file:
        return Weights(
            reasons=tuple(str(name) for name in file["reasons"]),
            numbers=file["numbers"],
            rarity=file["rarity"].astype(np.float32),
            rows=file["rows"],
            scales=file["scales"],
            bias=file["bias"],
            rules=tuple(str(name) for name in file["rules"]),
            centres=file["centres"],
            sharpness=float(file["sharpness"]),
            unclear_below=float(file["unclear_below"]),
            digest=str(file["digest"]),
        )


@cache
def shipped_weights(name: str) -> Weights:
    """The weights of tagger `name`, read once."""
    return load_weights(FOLDER / f"weights_{name}.npz")


class LinearModel:
    """Scores tickets by weights. Not changed once made: threads may share it."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._index = {int(number): row for row, number in enumerate(weights.numbers)}
        self._rule_rows = {name: len(weights.numbers) + at for at, name in enumerate(weights.rules)}
        self.words = WordNumbers(self._index)
        last = self.weights.rows[len(weights.numbers) + len(weights.rules) :]
        self._vector_rows = last.astype(np.float32) * weights.scales

    def vector(self, counts: Counter[int]) -> tuple[NDArray[np.intp], Floats]:
        """Rows of the known features and their values."""
        return feature_row(counts, self._index, self.weights.rarity)

    def row_of(self, number: int) -> int | None:
        """The row of a feature's number."""
        return self._index.get(number)

    def weight(self, rows: NDArray[np.intp] | int) -> Floats:
        """The weights of rows towards each reason."""
        return (self.weights.rows[rows].astype(np.float32)) * self.weights.scales

    def scores(self, rows: NDArray[np.intp], values: Floats, rules: Iterable[tuple[str, int]]) -> Floats:
        """How much speaks for each reason: features, then rules as `(name, index of their reason)`."""
        total = self.weights.bias + values @ self.weight(rows)
        for name, reason in rules:
            row = self._rule_rows.get(name)
            if row is not None:
                total = total + RULE_VALUE * self.weight(row)
            else:  # a rule that somebody added after the training
                total[reason] += NEW_RULE_SCORE
        return np.asarray(total, dtype=np.float32)

    def vector_scores(self, vector: Floats) -> Floats:
        """What a ticket's sentence vectors add: their rows are the last."""
        values = vector_values(vector[np.newaxis], self.weights.centres)[0]
        return np.asarray(values @ self._vector_rows, dtype=np.float32)

    def chances(self, scores: Floats) -> Floats:
        """Scores as chances that add up to 1."""
        return softmax(scores * self.weights.sharpness)


RULE_VALUE = np.float32(0.05)
"""What a matching rule counts beside features whose values have length 1 together."""
NEW_RULE_SCORE = 0.3


def feature_row(
    counts: Counter[int], index: Mapping[int, int], rarity: Floats
) -> tuple[NDArray[np.intp], Floats]:
    """Where the features that `index` knows stand, in order, and their values, which have length 1 together."""
    known = sorted((index[number], times) for number, times in counts.items() if number in index)
    rows = np.array([row for row, _ in known], dtype=np.intp)
    times = np.array([count for _, count in known], dtype=np.float32)
    return rows, unit((1 + np.log(times)) * rarity[rows])


def unit(values: Floats) -> Floats:
    """The vector at length 1; an empty or zero one as it is."""
    length = float(np.sqrt(values @ values)) if values.size else 0.0
    return np.asarray(values / length if length else values, dtype=np.float32)


def softmax(scores: Floats) -> Floats:
    """Positive numbers that add up to 1, in the order of `scores`."""
    raised = np.exp(scores - scores.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)
