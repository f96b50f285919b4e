"""Training: from labelled tickets to weights."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from portal.inbox.reasons import all_reasons
from portal.inbox.tagging.linear import Weights
from portal.inbox.tagging.rules import Rules
from portal.inbox.tagging.vectors import ticket_vectors, vector_values
from training.examples import Labelled
from training.matrix import choose_vocabulary, count_all, feature_matrix, rule_matrix

STRICTNESS = 0.5
"""C of the linear support vector machine: between fitting every ticket and staying simple."""
DEVELOPMENT_WEIGHT = 2.0
"""People's own tickets count twice as much as those composed for this project."""
FINEST = 127


@dataclass(frozen=True)
class Prepared:
    """Labelled tickets as counts, rule hits and, for the tagger with sentence vectors, vectors."""

    examples: Sequence[Labelled]
    counts: Sequence[Counter[int]]
    rules: sparse.csr_matrix
    rule_names: tuple[str, ...]
    vectors: NDArray[np.float32] | None

    def part(self, at: NDArray[np.intp]) -> "Prepared":
        """Some of them."""
        return Prepared(
            [self.examples[i] for i in at],
            [self.counts[i] for i in at],
            self.rules[at],
            self.rule_names,
            None if self.vectors is None else self.vectors[at],
        )


def prepare(examples: Sequence[Labelled], rules: Rules, *, with_vectors: bool) -> Prepared:
    """Everything about them that training and measuring need, found once."""
    texts = [example.text for example in examples]
    vectors = ticket_vectors(texts) if with_vectors else None
    return Prepared(examples, count_all(texts), rule_matrix(texts, rules), tuple(rules.names), vectors)


def fit(prepared: Prepared, *, sharpness: float = 1.0, unclear_below: float = 0.0) -> Weights:
    """Train on all of `prepared`."""
    vocabulary = choose_vocabulary(prepared.counts)
    blocks = [feature_matrix(prepared.counts, vocabulary), prepared.rules]
    centres = np.zeros(0, dtype=np.float32)
    if prepared.vectors is not None:
        centres = prepared.vectors.mean(axis=0)
        blocks.append(sparse.csr_matrix(vector_values(prepared.vectors, centres)))
    machine = LinearSVC(C=STRICTNESS, random_state=0)
    labels = [example.reason for example in prepared.examples]
    weight = [1.0 if example.origin == "corpus" else DEVELOPMENT_WEIGHT for example in prepared.examples]
    machine.fit(sparse.hstack(blocks).tocsr(), labels, sample_weight=weight)
    reasons = tuple(reason for reason in all_reasons() if reason in set(labels))
    order = [list(machine.classes_).index(reason) for reason in reasons]
    coarse, scales = _coarsen(machine.coef_[order].T)
    bias = machine.intercept_[order].astype(np.float32)
    digest = hashlib.sha256(coarse.tobytes() + vocabulary.numbers.tobytes()).hexdigest()[:8]
    return Weights(
        reasons, vocabulary.numbers, vocabulary.rarity, coarse, scales, bias, prepared.rule_names,
        centres, sharpness, unclear_below, digest,
    )  # fmt: skip


def _coarsen(rows: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights in steps of a 127th of each column's largest: a quarter of the size, the same tags."""
    scales = np.abs(rows).max(axis=0) / FINEST
    return np.rint(rows / scales).astype(np.int8), scales.astype(np.float32)
