"""The two taggers: `default`, rules and a linear model, and `e5`, which adds sentence vectors."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Literal

from portal.gateways.sentence_vectors import is_installed
from portal.inbox.reasons import OTHER
from portal.inbox.tagging.features import count_features
from portal.inbox.tagging.lessons import Lesson, Lessons, all_features
from portal.inbox.tagging.linear import Floats, LinearModel, shipped_weights
from portal.inbox.tagging.nearest import nearest_labelled
from portal.inbox.tagging.rules import Match, Rules, load_rules
from portal.inbox.tagging.types import Example, Tag, TicketText
from portal.inbox.tagging.vectors import ticket_vectors
from portal.inbox.tagging.why import telling_words

TaggerName = Literal["default", "e5"]
TAGGER_NAMES: tuple[TaggerName, ...] = ("default", "e5")
AT_ONCE = 64
"""Tickets whose sentence vectors are found together."""


def usable_taggers() -> list[TaggerName]:
    """Those that can be used here: `e5` needs its extra."""
    return [name for name in TAGGER_NAMES if name != "e5" or is_installed()]


@cache
def _model(name: TaggerName) -> LinearModel:
    return LinearModel(shipped_weights(name))


@cache
def _rules() -> Rules:
    return load_rules()


def load_tagger(name: TaggerName = "default", taught: Sequence[Example] = ()) -> "LinearTagger":
    """The tagger called `name`, having learned from `taught`.

    Raises `SentenceModelMissingError` where `e5` is not installed, ValueError for a reason that no model knows.
    """
    return LinearTagger(name, _model(name), _rules(), taught)


class LinearTagger:
    """Rules and a linear model, with or without sentence vectors, and what corrections taught."""

    def __init__(self, name: TaggerName, model: LinearModel, rules: Rules, taught: Sequence[Example]) -> None:
        self._name, self._model, self._rules = name, model, rules
        self._reasons = model.weights.reasons
        known = zip(model.weights.numbers.tolist(), model.weights.rarity.tolist(), strict=True)
        self._rarity = dict(known)
        self._rarest = float(model.weights.rarity.max())
        self._lessons = self._learn(taught) if taught else None
        self.version = "-".join([name, model.weights.digest, rules.digest, *_digest(taught)])

    def tag(self, texts: Sequence[TicketText]) -> list[Tag]:
        """One tag for each text, in order."""
        tags: list[Tag] = []
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            tags.extend(map(self._tag, some, self._vectors(some)))
        return tags

    def _vectors(self, texts: Sequence[TicketText]) -> Iterable[Floats | None]:
        return ticket_vectors(texts) if self._name == "e5" else [None] * len(texts)

    def _tag(self, text: TicketText, vector: Floats | None) -> Tag:
        if not (text.subject.strip() or text.body.strip()):
            return Tag(OTHER, 1.0, "nothing is written", False)
        counts = count_features(text, self._model.words)
        matches = self._rules.matches(text)
        scores = self._scores(counts, matches, vector)
        if self._lessons:
            scores = scores + self._lessons.correction(all_features(counts, self._rarity, self._rarest))
        chances = self._model.chances(scores)
        best = int(chances.argmax())
        reason, confidence = self._reasons[best], float(chances[best])
        why = self._why(text, counts, matches, best, vector)
        return Tag(reason, confidence, why, confidence < self._model.weights.unclear_below)

    def _scores(self, counts: Counter[int], matches: Sequence[Match], vector: Floats | None) -> Floats:
        rows, values = self._model.vector(counts)
        hits = [(match.rule.name, self._reasons.index(match.rule.reason)) for match in matches]
        scores = self._model.scores(rows, values, hits)
        return scores if vector is None else scores + self._model.vector_scores(vector)

    def _learn(self, taught: Sequence[Example]) -> Lessons:
        texts = [example.text for example in taught]
        lessons: list[Lesson] = []
        for example, vector in zip(taught, self._vectors(texts), strict=True):
            counts = count_features(example.text, self._model.words)
            matches = self._rules.matches(example.text)
            features = all_features(counts, self._rarity, self._rarest)
            lessons.append(
                Lesson(features, self._scores(counts, matches, vector), self._reasons.index(example.reason))
            )
        return Lessons(lessons, len(self._reasons))

    def _why(
        self,
        text: TicketText,
        counts: Counter[int],
        matches: Sequence[Match],
        best: int,
        vector: Floats | None,
    ) -> str:
        """The rules that spoke for it; then the nearest labelled tickets, or the words that counted most."""
        reason = self._reasons[best]
        rules = dict.fromkeys(match.rule.name for match in matches if match.rule.reason == reason)
        parts = [f"rule: {name}" for name in list(rules)[:2]]
        if vector is not None:
            parts += [f'like: "{near}"' for near in nearest_labelled(vector, reason)]
        elif words := telling_words(self._model, text, counts, best):
            parts.append("words: " + ", ".join(words))
        return "; ".join(parts) or "nothing in particular"


def _digest(taught: Sequence[Example]) -> list[str]:
    """Names what was taught, in any order; nothing for nothing."""
    lines = sorted(f"{example.reason}\0{example.text.subject}\0{example.text.body}" for example in taught)
    return [hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]] if lines else []
