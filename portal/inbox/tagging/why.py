"""The words that spoke most for a tag."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from portal.inbox.tagging.features import number_of, phrases, split_words
from portal.inbox.tagging.linear import LinearModel
from portal.inbox.tagging.types import TicketText

MOST = 3
LEAST = 0.3
"""Of what the strongest raised: words below it say little."""
SHORTEST = 3
"""Signs: shorter words say nothing to a reader."""


def telling_words(model: LinearModel, text: TicketText, counts: Counter[int], best: int) -> list[str]:
    """The words and pairs that raised reason `best` most above the others, strongest first.

    Only words that the training knows: no name and no number of a customer among them.
    """
    rows, values = model.vector(counts)
    value_of = dict(zip(rows.tolist(), values.tolist(), strict=True))
    found = {words: row for number, words in _readable(text) if (row := model.row_of(number)) is not None}
    if not found:
        return []
    at = np.array(list(found.values()), dtype=np.intp)
    weights = model.weight(at)
    above = weights[:, best] - weights.mean(axis=1)
    lifts = {
        words: value_of[row] * float(lift)
        for (words, row), lift in zip(found.items(), above, strict=True)
    }  # fmt: skip
    least = max(lifts.values()) * LEAST
    strongest = sorted(
        (words for words in lifts if lifts[words] >= least > 0), key=lambda words: -lifts[words]
    )
    chosen: list[str] = []
    for words in strongest:
        if len(chosen) < MOST and not any(words in other or other in words for other in chosen):
            chosen.append(words)
    return chosen


def _readable(text: TicketText) -> Iterator[tuple[int, str]]:
    for words in split_words(text):
        yield from ((number_of("w", word), word) for word in words if len(word) >= SHORTEST and word != "0")
        yield from ((number, pair) for number, pair in phrases(words) if "0" not in pair.split())
