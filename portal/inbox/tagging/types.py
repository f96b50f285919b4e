"""What taggers take and give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TicketText:
    """What a ticket says: stripped subject and body, and its language (`""` where unknown)."""

    subject: str
    body: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A text whose reason a person has settled."""

    text: TicketText
    reason: str


@dataclass(frozen=True, slots=True)
class Tag:
    """The best reason, how sure the tagger is of it (0 to 1), and why, in words a person can check.

    An unclear tag is a guess that no ranking may count.
    """

    reason: str
    confidence: float
    why: str
    is_unclear: bool


class Tagger(Protocol):
    """Tags tickets. A ticket's tag depends on its own text only, never on the others of the call."""

    @property
    def version(self) -> str:
        """Names the rules, the weights and what was taught: another version may tag otherwise."""

    def tag(self, texts: Sequence[TicketText]) -> list[Tag]:
        """One tag for each text, in order."""
