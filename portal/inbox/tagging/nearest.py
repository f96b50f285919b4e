"""Which labelled tickets a ticket resembles most, by sentence vectors."""

from functools import cache
from textwrap import shorten

import numpy as np
from numpy.typing import NDArray

from portal.gateways.sentence_vectors import SIZE
from portal.inbox.tagging.corpus import corpus_examples
from portal.inbox.tagging.linear import FOLDER

MEMORY = FOLDER / "memory_e5.npy"
"""The vectors of the corpus, in its order, in steps of a 127th."""


@cache
def _memory() -> NDArray[np.float32]:
    vectors = np.load(MEMORY, allow_pickle=False).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def nearest_labelled(whole: NDArray[np.float32], reason: str, most: int = 2) -> list[str]:
    """How the labelled tickets of `reason` that are nearest to a whole text's vector begin, nearest first."""
    examples = corpus_examples()
    rows = np.array([at for at, example in enumerate(examples) if example.reason == reason], dtype=np.intp)
    alike = _memory()[rows] @ whole[:SIZE]
    best = [examples[rows[at]].text for at in np.argsort(-alike)[:most]]
    return [shorten(f"{text.subject} {text.body}", 60, placeholder=" …") for text in best]
