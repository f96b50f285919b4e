"""How good a tagger is on tickets it was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portal.inbox.reasons import all_reasons
from portal.inbox.tagging.linear import LinearModel, Weights, softmax
from training.examples import Labelled
from training.fit import Prepared, fit

SUREST = 0.7
SHARPNESSES = tuple(float(number) for number in np.arange(1.0, 8.01, 0.25))
GUESSWORK = 0.25
"""Tags that are right less often than this are no better than a guess among a few."""


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1: `accuracy` over all reasons, their mean `macro_f1`, accuracy on the `surest` 70 %,
    the `screen` right, and `share_error`, half the sum of what the reasons' shares are off."""

    tickets: int
    accuracy: float
    also: float
    macro_f1: float
    surest: float
    screen: float
    share_error: float


@dataclass(frozen=True)
class Guesses:
    """Scores for each example, a column for each of `reasons`, and how sharply they become chances."""

    examples: Sequence[Labelled]
    reasons: tuple[str, ...]
    scores: NDArray[np.float32]
    sharpness: float

    def part(self, at: Sequence[int]) -> "Guesses":
        """Some of them."""
        return Guesses([self.examples[i] for i in at], self.reasons, self.scores[list(at)], self.sharpness)

    @property
    def named(self) -> list[str]:
        """The best reason of each."""
        return [self.reasons[at] for at in self.scores.argmax(axis=1)]

    @property
    def chances(self) -> NDArray[np.float32]:
        """How sure each best reason is."""
        return np.array([softmax(row * self.sharpness).max() for row in self.scores], dtype=np.float32)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which are right."""
        pairs = zip(self.examples, self.named, strict=True)
        return np.array([example.reason == reason for example, reason in pairs])


def figures_of(guesses: Guesses) -> Figures:
    """What the guesses are worth."""
    true, named = [example.reason for example in guesses.examples], guesses.named
    screens = {key: reason.screen for key, reason in all_reasons().items()}
    pairs = list(zip(true, named, strict=True))
    also = [name in {row.reason, *row.also} for row, name in zip(guesses.examples, named, strict=True)]
    surest = np.argsort(-guesses.chances, kind="stable")[: int(len(true) * SUREST)]
    off = [abs(true.count(reason) - named.count(reason)) for reason in screens]
    return Figures(
        tickets=len(true),
        accuracy=float(guesses.right.mean()),
        also=float(np.mean(also)),
        macro_f1=_macro_f1(pairs),
        surest=float(guesses.right[surest].mean()),
        screen=float(np.mean([screens[a] == screens[b] for a, b in pairs])),
        share_error=sum(off) / len(true) / 2,
    )


def _macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """The mean over the reasons that occur of the harmonic mean of precision and recall."""
    scores: list[float] = []
    for reason in {true for true, _ in pairs}:
        hits = sum(true == guess == reason for true, guess in pairs)
        named = sum(reason in pair for pair in pairs) + hits
        scores.append(2 * hits / named if named else 0.0)
    return float(np.mean(scores))


def guess(weights: Weights, prepared: Prepared) -> Guesses:
    """What a model with `weights` says of `prepared`, as the tagger finds it."""
    model = LinearModel(weights)
    rows: list[NDArray[np.float32]] = []
    for at, counts in enumerate(prepared.counts):
        names = [prepared.rule_names[column] for column in prepared.rules[at].indices]
        row = model.scores(*model.vector(counts), [(name, 0) for name in names])
        rows.append(row if prepared.vectors is None else row + model.vector_scores(prepared.vectors[at]))
    return Guesses(prepared.examples, weights.reasons, np.array(rows), weights.sharpness)


def crossed(prepared: Prepared, groups: Sequence[str]) -> Guesses:
    """Guesses on people's and composed tickets of the development set by models that did not see their group.

    The corpus is in every training. `groups` names each example's group; a number a ticket for random fifths.
    """
    ours = np.array([example.origin == "corpus" for example in prepared.examples])
    names = np.array(groups)
    parts: list[Guesses] = []
    for group in sorted(set(names[~ours].tolist())):
        tested = np.flatnonzero(~ours & (names == group))
        learned = np.setdiff1d(np.arange(len(names)), tested)
        parts.append(guess(fit(prepared.part(learned)), prepared.part(tested)))
    return Guesses(
        [example for part in parts for example in part.examples],
        parts[0].reasons,
        np.concatenate([part.scores for part in parts]),
        parts[0].sharpness,
    )


def calibrated(guesses: Guesses) -> Guesses:
    """The same with the sharpness at which the chances of the true reasons are likeliest."""
    true = [guesses.reasons.index(example.reason) for example in guesses.examples]

    def loss(sharpness: float) -> float:
        chances = [softmax(row * sharpness)[at] for row, at in zip(guesses.scores, true, strict=True)]
        return -float(np.mean(np.log(np.array(chances) + 1e-9)))

    return replace(guesses, sharpness=min(SHARPNESSES, key=loss))


def unclear_below(guesses: Guesses) -> float:
    """The chance under which a tag is unclear: of the tags under it less than `GUESSWORK` are right."""
    order = np.argsort(guesses.chances, kind="stable")
    right = np.cumsum(guesses.right[order]) / np.arange(1, len(order) + 1)
    wrong = np.flatnonzero(right < GUESSWORK)
    return float(guesses.chances[order][wrong[-1]]) if wrong.size else 0.0
