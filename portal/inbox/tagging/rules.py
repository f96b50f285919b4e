"""Readable rules: words in several languages that speak for a reason. `rules.toml` is the one place of them."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.inbox.reasons import all_reasons
from portal.inbox.tagging.shapes import Shape, Shapes
from portal.inbox.tagging.spotting import Lexicon, Span, without_accents, words_in
from portal.inbox.tagging.text import normalise
from portal.inbox.tagging.types import TicketText

RULES_FILE = Path(__file__).with_name("rules.toml")
NOT_LANGUAGES = frozenset({"reason", "name", "where", "unless"})
PLACES = ("subject", "start", "short", "all")
START_SIGNS, SHOWN_SIGNS, SHORT_SIGNS = 200, 60, 60
MOST_SIGNS, MOST_SUBJECT_SIGNS = 2_000, 500


@dataclass(frozen=True, slots=True)
class Reading:
    """A ticket as rules see it: its words without accents, where terms stand in them, and the places rules look at."""

    words: str
    spans: Mapping[int, Sequence[Span]]
    places: Mapping[str, Span]


@dataclass(frozen=True, slots=True)
class Rule:
    """Speaks for `reason` where one of its shapes is found and none of `unless` is."""

    reason: str
    name: str
    where: str
    shapes: tuple[Shape, ...]
    unless: tuple[Shape, ...]

    def found(self, reading: Reading) -> Span | None:
        """Where one of its shapes is found, if the rule speaks."""
        place = reading.places.get(self.where)
        if place is None:
            return None
        hits = (shape.found(reading.spans, place) for shape in self.shapes)
        hit = next((hit for hit in hits if hit), None)
        if hit and any(shape.found(reading.spans, reading.places["all"]) for shape in self.unless):
            return None
        return hit


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched, and the words it matched."""

    rule: Rule
    text: str


@dataclass(frozen=True)
class Rules:
    """All rules, and a digest of what they were made from."""

    rules: tuple[Rule, ...]
    digest: str
    lexicon: Lexicon

    @property
    def names(self) -> list[str]:
        """Their names, in order; each names one rule."""
        return [rule.name for rule in self.rules]

    def matches(self, text: TicketText) -> list[Match]:
        """The rules that match, in order."""
        reading = self.read(text)
        found = ((rule, rule.found(reading)) for rule in self.rules)
        return [Match(rule, reading.words[hit[0] : hit[1]][:SHOWN_SIGNS]) for rule, hit in found if hit]

    def read(self, text: TicketText) -> Reading:
        """A ticket's subject and the beginning of its body, read once for all rules."""
        subject, body = _plain(text.subject, MOST_SUBJECT_SIGNS), _plain(text.body, MOST_SIGNS)
        words = f"{subject}. {body}"
        return Reading(words, self.lexicon.spans(words_in(words)), _places(len(subject), len(words)))


def _plain(text: str, most: int) -> str:
    return without_accents(normalise(text[:most]))[:most]  # twice: one sign may be written as many


def _places(subject: int, whole: int) -> dict[str, Span]:
    begin = subject + len(". ")
    places = {"subject": (0, subject), "start": (begin, begin + START_SIGNS), "all": (0, whole)}
    if whole <= SHORT_SIGNS:
        places["short"] = (0, whole)
    return places


def load_rules(path: Path = RULES_FILE) -> Rules:
    """The rules of a file. Raises ValueError naming the rule or list that is wrong, and what is wrong with it."""
    content = path.read_bytes()
    file = tomllib.loads(content.decode())
    lexicon = Lexicon()
    shapes = Shapes(lexicon, {name: _words(languages) for name, languages in file.get("words", {}).items()})
    rules = tuple(_rule(row, shapes) for row in file["rule"])
    if len({rule.name for rule in rules}) != len(rules):
        raise ValueError(f"{path.name}: two rules have the same name")
    return Rules(rules, hashlib.sha256(content).hexdigest()[:6], lexicon)


def _words(languages: Mapping[str, str]) -> list[str]:
    return [phrase for phrases in languages.values() for phrase in phrases.split("|")]


def _rule(row: Mapping[str, str | Sequence[str]], shapes: Shapes) -> Rule:
    name, reason, where = str(row["name"]), str(row["reason"]), str(row.get("where", "all"))
    if reason not in all_reasons():
        raise ValueError(f"rule {name}: there is no reason {reason}")
    if where not in PLACES:
        raise ValueError(f"rule {name}: where is one of {', '.join(PLACES)}, not {where}")
    written = [shape for key in row if key not in NOT_LANGUAGES for shape in row[key]]
    try:
        read = tuple(shapes.read(shape) for shape in written)
        unless = tuple(shapes.read(shape) for shape in row.get("unless", ()))
        if not read:
            raise ValueError("it has no shape")
    except ValueError as error:
        raise ValueError(f"rule {name}: {error}") from error
    return Rule(reason, name, where, read, unless)
