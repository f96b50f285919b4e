"""Rate ratios as a picture: a dot for each reason with the line of its 95 % interval, on a logarithmic axis.

Half and twice are equally far from "as many as before" there, as they should be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

ACCENT, INK = "var(--accent)", "currentColor"
DRAWINGS_KEPT = 32
TITLE = "Tickets after each screen was opened, against before"


@dataclass(frozen=True, slots=True)
class RatioMark:
    """One reason: after over before with its bounds; `high` None: there is no upper one."""

    title: str
    ratio: float | None
    low: float
    high: float | None

    @property
    def label(self) -> str:
        """Such as `0.42 (0.30 to 0.58)`."""
        return ratio_words(self.ratio, self.low, self.high)


def ratio_words(ratio: float | None, low: float, high: float | None) -> str:
    """A ratio with its interval; one without tickets before has neither value nor upper bound."""
    if ratio is None or high is None:
        return f"at least {low:.2f}"
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def marks_of(reasons: Sequence[Mapping[str, Any]]) -> tuple[RatioMark, ...]:
    """Those of a report with enough to say, the greatest fall first."""
    told = [row for row in reasons if row["is_enough"]]
    told.sort(key=lambda row: (row["ratio"] is None, row["ratio"] or 0, row["title"]))
    return tuple(RatioMark(row["title"], row["ratio"], row["low"], row["high"]) for row in told)


def ratio_chart(reasons: Sequence[Mapping[str, Any]], *, accent: str = ACCENT, ink: str = INK) -> Markup:
    """The `<svg>` to put into a page; empty where no reason has enough to say. Colours are CSS or `var(--name)`."""
    marks = marks_of(reasons)
    return _draw(marks, accent, ink) if marks else Markup()


def in_words(marks: Sequence[RatioMark]) -> str:
    """What the picture says, for people who do not see it."""
    return "; ".join(f"{mark.title}: {mark.label}" for mark in marks) + ". 1 means as many as before."


@lru_cache(maxsize=DRAWINGS_KEPT)
def _draw(marks: tuple[RatioMark, ...], accent: str, ink: str) -> Markup:
    from portal.deflection import drawing

    return drawing.draw(marks, accent, ink)
