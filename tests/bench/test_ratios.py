"""Ratios are taken round by round, and a goal is only what was asked for."""

import pytest

from bench.ratios import Pair, Sample, ratio_of

PAIR = Pair("page, floor", "page", "floor", goal=0.25)


def samples(*rates: float, cpu: float = 1.0) -> list[Sample]:
    return [Sample(rate, cpu) for rate in rates]


def test_a_ratio_is_the_median_of_its_rounds() -> None:
    """A machine that is slow for one round slows both sides of it, so the ratio stays."""
    ratio = ratio_of(PAIR, {"page": samples(100, 8, 120), "floor": samples(200, 20, 400)})
    assert (ratio.value, ratio.low, ratio.high) == (0.4, 0.3, 0.5)
    assert (ratio.rate, ratio.floor_rate) == (100, 200)


def test_computing_twice_as_long_is_half_the_ratio() -> None:
    ratio = ratio_of(PAIR, {"page": samples(100, cpu=2.0), "floor": samples(100, cpu=1.0)})
    assert ratio.by_cpu == 0.5


@pytest.mark.parametrize(("rate", "reached"), [(24.9, False), (25.0, True)])
def test_a_goal_is_reached_from_its_value_up(rate: float, reached: bool) -> None:
    assert ratio_of(PAIR, {"page": samples(rate), "floor": samples(100)}).reaches_goal is reached


def test_without_a_goal_nothing_is_reached_or_missed() -> None:
    pair = Pair("page, floor", "page", "floor")
    assert ratio_of(pair, {"page": samples(1), "floor": samples(100)}).reaches_goal is None


def test_a_side_that_stood_still_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="without answers"):
        ratio_of(PAIR, {"page": samples(10), "floor": samples(0)})


def test_rounds_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        ratio_of(PAIR, {"page": samples(10), "floor": samples(100, 100)})
