"""Simulated inboxes whose effect is known, to see how often the interval holds the truth."""

from dataclasses import dataclass

import numpy as np

from portal.deflection.intervals import Counts, Numbers, compare

YEAR_DAYS, QUARTER_DAYS = 365.0, 92.0
LEAST_DAYS = 3.0  # that an organization was there before the opening


@dataclass(frozen=True, slots=True)
class Setting:
    """A kind of inbox, and what the screen does to it.

    `tickets` is the mean of one organization in a quarter. `unevenness` is the standard deviation of the logarithm of
    organizations' rates: at 1.6 the tenth that writes most writes 62 % of all. `unrest` is the variance of what an
    organization's rate is multiplied with in each window, by chance. `followers` are how many more people of the
    organization write about the same thing, in the mean. `ratio` is the truth.
    """

    name: str
    organizations: int
    tickets: float
    unevenness: float
    unrest: float
    followers: float
    ratio: float


SETTINGS = (
    Setting("few tickets", 80, 0.35, 0.8, 0.0, 0.0, 0.5),
    Setting("few tickets, strong effect", 80, 0.5, 0.8, 0.0, 0.0, 0.25),
    Setting("few organizations", 20, 2.0, 0.8, 0.2, 0.3, 0.3),
    Setting("a dozen organizations", 12, 4.0, 0.6, 0.3, 0.0, 0.4),
    Setting("many tickets", 300, 2.0, 1.0, 0.0, 0.0, 0.6),
    Setting("many tickets, in bursts", 300, 2.0, 1.0, 0.2, 0.5, 0.6),
    Setting("heavy writers", 120, 2.0, 1.6, 0.3, 0.0, 0.4),
    Setting("heavy writers, in bursts", 120, 2.0, 1.5, 0.5, 0.5, 0.3),
    Setting("no effect", 100, 1.0, 1.2, 0.5, 0.5, 1.0),
    Setting("more tickets than before", 100, 1.0, 1.2, 0.5, 0.5, 1.8),
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the runs with enough to say: how often the interval held the truth, and lay wholly below or above it."""

    setting: Setting
    runs: int
    enough: int
    held: float
    too_low: float
    too_high: float
    saved_held: float


def coverage(setting: Setting, runs: int = 1_000, seed: int = 0) -> Coverage:
    """The same for the same seed."""
    counts, saved = simulate(setting, runs, seed)
    found = compare(counts)
    told = found.is_enough
    too_low, too_high = found.high[told] < setting.ratio, found.low[told] > setting.ratio
    holds_saved = (found.saved_low <= saved) & (saved <= found.saved_high)
    return Coverage(
        setting=setting,
        runs=runs,
        enough=int(told.sum()),
        held=float(1 - (too_low | too_high).mean()),
        too_low=float(too_low.mean()),
        too_high=float(too_high.mean()),
        saved_held=float(holds_saved[told].mean()),
    )


def simulate(setting: Setting, runs: int, seed: int) -> tuple[Counts, Numbers]:
    """Counts of each run's organizations, and how many tickets the screen keeps away in the mean.

    The screen is opened to one organization after the other over eight months; the report is of the year's last
    quarter. Some organizations came late, so that their window before is short.
    """
    rng = np.random.default_rng(seed)
    shape = (runs, setting.organizations)
    uneven = setting.unevenness
    daily = rng.lognormal(-(uneven**2) / 2, uneven, shape) * setting.tickets / QUARTER_DAYS
    opened = rng.uniform(120, YEAR_DAYS - LEAST_DAYS, shape)
    came = rng.uniform(-YEAR_DAYS, opened - LEAST_DAYS)
    after = np.minimum(QUARTER_DAYS, YEAR_DAYS - opened)
    before = np.minimum(after, opened - came)
    expected = daily * after
    counts = Counts(
        before=_written(setting, daily * before, rng),
        after=_written(setting, setting.ratio * expected, rng),
        days_before=before,
        days_after=after,
    )
    return counts, (1 - setting.ratio) * expected.sum(-1)


def _written(setting: Setting, expected: Numbers, rng: np.random.Generator) -> Numbers:
    """Tickets by chance, with the expected mean."""
    if setting.unrest:
        expected = expected * rng.gamma(1 / setting.unrest, setting.unrest, expected.shape)
    things = rng.poisson(expected / (1 + setting.followers))
    if not setting.followers:
        return things.astype(np.float64)
    more = rng.negative_binomial(np.maximum(things, 1), 1 / (1 + setting.followers))
    return (things + np.where(things > 0, more, 0)).astype(np.float64)
