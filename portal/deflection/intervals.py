"""Rate ratios with intervals that stay right when few organizations write most tickets.

An organization is compared with itself: of the tickets it wrote in both windows together, how many came after the
opening. That takes out how much it writes at all. The estimate is that of Mantel and Haenszel, with organizations as
strata; the interval holds the ratios that a score test does not refuse. The test's variance comes from how
organizations with several tickets really differ (organizations are the clusters), and is never taken to be less than
that of tickets which know nothing of each other. Decision 22 says what was tried.

Everything works on arrays whose last axis is the organizations, so that a simulation is many reports at once.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
NORMAL_95 = 1.959964
LEAST_TICKETS, LEAST_ORGANIZATIONS, LEAST_EFFECTIVE = 10, 6, 4.0
"""Below one of these there is too little to say. The last is (sum of n)^2 / sum of n^2, with n tickets of each
organization: how many organizations would carry as much if all wrote alike."""
FARTHEST = 9.0  # of log ratios: what lies beyond is no bound
HALVINGS = 36
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, slots=True)
class Counts:
    """Tickets of organizations in a window before and one after the opening, and how many days each is long.

    All days must be more than 0.
    """

    before: Numbers
    after: Numbers
    days_before: Numbers
    days_after: Numbers


@dataclass(frozen=True, slots=True)
class Comparisons:
    """After over before, with 95 % bounds; infinite where there is no upper one, NaN where there are no tickets.

    `saved` are tickets that did not arrive in the windows after, with 95 % bounds; below 0 where more arrived.
    `is_enough` says whether any of it may be told. `off` is how many tickets more each organization wrote than the
    ratio lets expect of it.
    """

    ratio: Numbers
    low: Numbers
    high: Numbers
    saved: Numbers
    saved_low: Numbers
    saved_high: Numbers
    is_enough: NDArray[np.bool_]
    off: Numbers


def compare(counts: Counts) -> Comparisons:
    """One comparison for each row of organizations."""
    days = counts.days_before + counts.days_after
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (counts.after * counts.days_before / days).sum(-1) / (
            counts.before * counts.days_after / days
        ).sum(-1)
        middle = np.clip(np.nan_to_num(np.log(ratio)), -FARTHEST, FARTHEST)
    low, high = _bound(counts, middle, -1), _bound(counts, middle, 1)
    saved, saved_low, saved_high = _saved(counts, np.exp(middle), low, high)
    off = _off(counts, np.exp(middle))
    return Comparisons(ratio, low, high, saved, saved_low, saved_high, _is_enough(counts), off)


def _is_enough(counts: Counts) -> NDArray[np.bool_]:
    tickets = counts.before + counts.after
    total, squares = tickets.sum(-1), (tickets**2).sum(-1)
    enough: NDArray[np.bool_] = (
        (total >= LEAST_TICKETS)
        & ((tickets > 0).sum(-1) >= LEAST_ORGANIZATIONS)
        & (total**2 >= LEAST_EFFECTIVE * squares)
    )
    return enough


def _bound(counts: Counts, middle: Numbers, side: int) -> Numbers:
    """Where the test begins to refuse, below (-1) or above (1) the estimate; 0 or infinite where it never does."""
    inside, outside = middle, np.full_like(middle, side * FARTHEST)
    is_unbounded = -side * _score(counts, np.exp(outside)) <= NORMAL_95
    for _ in range(HALVINGS):
        half = (inside + outside) / 2
        is_refused = -side * _score(counts, np.exp(half)) > NORMAL_95
        inside, outside = np.where(is_refused, inside, half), np.where(is_refused, half, outside)
    found: Numbers = np.where(is_unbounded, 0.0 if side < 0 else np.inf, np.exp(inside))
    return found


def _score(counts: Counts, ratio: Numbers) -> Numbers:
    """How far the counts are from what `ratio` lets expect, in standard errors; falls as the ratio grows."""
    off, wide = _off(counts, ratio), ratio[..., np.newaxis]
    _, variance = _variances(counts, off, wide, less=1)
    found: Numbers = off.sum(-1) / np.sqrt(np.maximum(variance, TINY))
    return found


def _off(counts: Counts, ratio: Numbers) -> Numbers:
    """How many tickets more each organization wrote than the ratio lets expect of it."""
    days = counts.days_before + counts.days_after
    wide = ratio[..., np.newaxis]
    found: Numbers = (counts.after * counts.days_before - wide * counts.before * counts.days_after) / days
    return found


def _variances(counts: Counts, off: Numbers, wide: Numbers, less: float) -> tuple[Numbers, Numbers]:
    """Of the sum of `off`: as if tickets knew nothing of each other, and as organizations show it.

    An organization with one ticket shows nothing. The larger of two is taken of the others, which is too much on
    average; taking `less` organizations' worth from what they show makes up for it (found by simulation).
    """
    tickets, days = counts.before + counts.after, counts.days_before + counts.days_after
    alone = tickets * wide * counts.days_before * counts.days_after / days**2
    several = np.where(tickets > 1, alone, 0)
    least, whole = several.sum(-1), alone.sum(-1)
    effective = least**2 / np.maximum((several**2).sum(-1), TINY)
    shown = np.where(tickets > 1, off**2, 0).sum(-1) * (1 - less / np.maximum(effective, 2))
    return whole, whole - least + np.maximum(shown, least)


def _saved(counts: Counts, ratio: Numbers, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Expected tickets without the screen less those with it.

    Two things are not known: the ratio, and how many tickets there would be at all. They are estimated apart, so
    their distances from the estimate are squared, added, and rooted (Zou and Donner 2008).
    """
    off, wide = _off(counts, ratio), ratio[..., np.newaxis]
    tickets = counts.before + counts.after
    alone, shown = _variances(counts, off, wide, less=0)
    spread = shown / np.maximum(alone, TINY)
    volume = NORMAL_95 * np.sqrt(spread * (_share(counts, wide) ** 2 * tickets).sum(-1))
    saved = _saved_at(counts, ratio)
    least = saved - np.hypot(saved - _saved_at(counts, high), volume)
    return saved, least, saved + np.hypot(_saved_at(counts, low) - saved, volume)


def _saved_at(counts: Counts, ratio: Numbers) -> Numbers:
    wide = np.minimum(ratio, np.exp(FARTHEST))[..., np.newaxis]
    found: Numbers = (_share(counts, wide) * (counts.before + counts.after)).sum(-1)
    return found


def _share(counts: Counts, wide: Numbers) -> Numbers:
    """How many tickets stayed away for each that came in either window, if the ratio is `wide`."""
    found: Numbers = (1 - wide) * counts.days_after / (counts.days_before + wide * counts.days_after)
    return found
