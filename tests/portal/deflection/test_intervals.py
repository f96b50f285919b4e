"""The interval holds the truth as often as it promises, and nothing is said where there is too little."""

import numpy as np
import pytest

from portal.deflection.intervals import Comparisons, Counts, compare
from portal.deflection.rates import Told
from portal.deflection.simulation import SETTINGS, Setting, coverage, simulate
from portal.deflection.totals import WHATS, total_saved


def compared(before: list[float], after: list[float], days: float = 90.0) -> Comparisons:
    same = np.full(len(before), days)
    return compare(Counts(np.array(before), np.array(after), same, same))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_interval_holds_the_truth_in_93_to_97_percent_of_1000_runs(setting: Setting) -> None:
    found = coverage(setting, runs=1_000, seed=1)
    assert found.enough > 900
    assert 0.93 <= found.held <= 0.97
    assert max(found.too_low, found.too_high) <= 0.041
    assert found.saved_held >= 0.89


def test_the_simulation_has_heavy_writers_and_the_effect_that_it_names() -> None:
    heavy = next(setting for setting in SETTINGS if setting.name == "heavy writers")
    counts, saved = simulate(heavy, 300, seed=3)
    written = np.sort(counts.before + counts.after, axis=-1)
    assert written[:, -12:].sum() / written.sum() > 0.5  # a tenth of the organizations
    rates = counts.after.sum() / counts.days_after.sum(), counts.before.sum() / counts.days_before.sum()
    assert rates[0] / rates[1] == pytest.approx(heavy.ratio, rel=0.05)
    assert saved.mean() == pytest.approx(counts.after.sum() / 300 * (1 / heavy.ratio - 1), rel=0.05)


def test_an_organization_is_only_compared_with_itself() -> None:
    """One that writes a hundred times as much and was watched longer after the opening moves nothing."""
    before, after = np.array([4.0] * 8 + [40.0]), np.array([4.0] * 8 + [400.0])
    days_before, days_after = np.array([90.0] * 8 + [9.0]), np.full(9, 90.0)
    assert compare(Counts(before, after, days_before, days_after)).ratio == pytest.approx(1)


def test_tickets_of_one_heavy_writer_prove_less_than_those_of_many() -> None:
    many = compared([2] * 40, [1] * 40)
    one = compared([2] * 10 + [60], [1] * 10 + [30])
    assert many.ratio == one.ratio == 0.5
    assert many.high < 1 < one.high
    assert not one.is_enough


def told(off: list[float], saved: tuple[int, int, int] | None) -> Told:
    values = dict(zip(("", "_low", "_high"), saved, strict=True)) if saved else {}
    figures = {f"{what}{end}": value for what in WHATS for end, value in values.items()}
    return Told({"saved": figures or None}, dict(enumerate(off)))  # type: ignore[arg-type]


def test_a_sum_is_wider_where_the_same_organizations_are_off_in_each_reason() -> None:
    same = total_saved([told([1, -1], (50, 47, 54)), told([1, -1], (50, 46, 53))])
    apart = total_saved([told([1, -1], (50, 47, 54)), told([1, 1], (50, 46, 53)), told([0, 0], None)])
    assert same is not None
    assert apart is not None
    assert (same["tickets"], same["tickets_low"], same["tickets_high"]) == (100, 93, 107)
    assert (apart["tickets"], apart["tickets_low"], apart["tickets_high"]) == (100, 95, 105)
    assert total_saved([told([0, 0], None)]) is None


def test_nothing_after_the_opening_bounds_the_ratio_from_above() -> None:
    found = compared([2] * 10, [0] * 10)
    assert (found.ratio, found.low) == (0, 0)
    assert 0 < found.high < 0.5
    assert found.saved == pytest.approx(20, rel=0.01)
    assert 0 < found.saved_low < 20 < found.saved_high


def test_nothing_before_it_leaves_no_upper_bound() -> None:
    found = compared([0] * 10, [2] * 10)
    assert found.low > 1
    assert np.isinf(found.high)
    assert found.saved_high < 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1] * 5, [1] * 4 + [0]),  # nine tickets
        ([3] * 5, [3] * 5),  # five organizations
        ([1] * 6 + [40], [1] * 6 + [40]),  # one organization is most of it
        ([0] * 8, [0] * 8),
    ],
)
def test_too_little_is_said_to_be_too_little(before: list[float], after: list[float]) -> None:
    assert not compared(before, after).is_enough


def test_ten_tickets_of_many_organizations_are_enough() -> None:
    assert compared([1] * 7 + [0] * 3, [0] * 7 + [1] * 3).is_enough
