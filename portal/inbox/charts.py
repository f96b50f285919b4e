"""The ranking as a picture: one bar a reason, its length the number of tickets, from zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from portal.inbox.ranking import TOP
from portal.kit.words import number

ACCENT, INK = "var(--accent)", "currentColor"
DRAWINGS_KEPT = 32
SCREEN, SUPPORT, UNCLEAR = "a screen could do it", "a person has to answer", "unclear"
FILLS = {SCREEN: 1.0, SUPPORT: 0.3, UNCLEAR: 0.0}
"""How full the bars of each kind are, so that they differ in print too."""


@dataclass(frozen=True, slots=True)
class ReasonBar:
    """One reason: its tickets, the label at the bar's end, and who could answer (a key of `FILLS`)."""

    title: str
    tickets: int
    label: str
    who: str


def ranking_chart(ranked: Sequence[Mapping[str, Any]], *, accent: str = ACCENT, ink: str = INK) -> Markup:
    """The top of the ranking, at least one row, as an `<svg>` to put into a page or a document.

    `accent` and `ink` are CSS colours or `var(--name)`.
    """
    return _draw(tuple(_bar(row) for row in ranked[:TOP]), accent, ink)


def _bar(row: Mapping[str, Any]) -> ReasonBar:
    who = {True: SCREEN, False: SUPPORT, None: UNCLEAR}[row["is_absorbable"]]
    return ReasonBar(row["title"], row["tickets"], f"{number(row['tickets'])} · {row['share']:.0%}", who)


def in_words(bars: Sequence[ReasonBar]) -> str:
    """What the picture says, for people who do not see it."""
    return "; ".join(f"{bar.title}: {bar.label}, {bar.who}" for bar in bars) + "."


@lru_cache(maxsize=DRAWINGS_KEPT)
def _draw(bars: tuple[ReasonBar, ...], accent: str, ink: str) -> Markup:
    from portal.inbox import drawing

    return drawing.draw(bars, accent, ink)
