"""Ratios between measurements of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: answers a second, and what the server computed for each answer, in milliseconds."""

    rate: float
    cpu: float


Samples = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Pair:
    """What is measured, what it is held against, and the least share of it that is wanted (None: no goal)."""

    name: str
    measured: str
    against: str
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """A pair's result. The rates are medians; `low` and `high` are the worst and the best round."""

    pair: Pair
    value: float
    low: float
    high: float
    rate: float
    floor_rate: float
    by_cpu: float
    """The same ratio from what the web servers computed: a busy machine disturbs it less, no database is in it."""

    @property
    def reaches_goal(self) -> bool | None:
        """None where there is no goal."""
        return None if self.pair.goal is None else self.value >= self.pair.goal


def ratio_of(pair: Pair, samples: Samples) -> Ratio:
    """Each round's rate over the other side's rate in that round: what slows the machine for both cancels out.

    Raises `ValueError` when the two sides have different numbers of rounds, or one of them stood still.
    """
    measured, against = samples[pair.measured], samples[pair.against]
    if any(sample.rate <= 0 or sample.cpu <= 0 for sample in (*measured, *against)):
        raise ValueError(f"{pair.name}: a round without answers")
    rounds = list(zip(measured, against, strict=True))
    by_round = [mine.rate / floor.rate for mine, floor in rounds]
    return Ratio(
        pair,
        value=median(by_round),
        low=min(by_round),
        high=max(by_round),
        rate=median(sample.rate for sample in measured),
        floor_rate=median(sample.rate for sample in against),
        by_cpu=median(floor.cpu / mine.cpu for mine, floor in rounds),
    )
