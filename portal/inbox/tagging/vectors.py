"""What of a ticket is turned into sentence vectors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portal.gateways.sentence_vectors import SIZE, sentence_vectors
from portal.inbox.tagging.types import TicketText

WHOLE_SIGNS, HEAD_SIGNS, LONG_SIGNS = 600, 160, 320
WHOLE_VALUE, HEAD_VALUE = 1.2, 0.8
"""What the vectors count beside word features, whose values have length 1 together."""


def ticket_vectors(texts: Sequence[TicketText]) -> NDArray[np.float32]:
    """A row for each ticket: the vector of its whole text, then that of how it begins."""
    wholes = [f"{text.subject}\n{text.body}".strip()[:WHOLE_SIGNS] for text in texts]
    vectors = sentence_vectors(wholes)
    heads = vectors.copy()  # a short text is all head
    long = [at for at, whole in enumerate(wholes) if len(whole) > LONG_SIGNS]
    heads[long] = sentence_vectors([wholes[at][:HEAD_SIGNS] for at in long])
    return np.hstack([vectors, heads])


def vector_values(vectors: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows as features: moved to the middle of what was trained with, which all texts share, and weighed."""
    weighed = np.repeat(np.array([WHOLE_VALUE, HEAD_VALUE], dtype=np.float32), SIZE)
    return np.asarray((vectors - centres) * weighed, dtype=np.float32)
