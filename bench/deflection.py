"""How often the deflection report's interval holds the truth, on simulated inboxes with a known effect."""

from dataclasses import asdict
from typing import Any

from portal.deflection.simulation import SETTINGS, Coverage, coverage

RUNS, SEED = 1_000, 7
WANTED = (0.93, 0.97)


def coverages() -> list[Coverage]:
    """One for each kind of inbox; the tests run other seeds."""
    return [coverage(setting, RUNS, SEED) for setting in SETTINGS]


def reaches_goal(found: Coverage) -> bool:
    """Whether the interval is neither too narrow nor too wide."""
    return WANTED[0] <= found.held <= WANTED[1]


def show_coverages() -> list[dict[str, Any]]:
    """Print the table, and return what is written down of it."""
    print(f"\nrate ratios of {RUNS:,} simulated inboxes each: the 95 % interval holds the truth")
    found = coverages()
    for each in found:
        words = "reached" if reaches_goal(each) else "missed"
        print(f"  {each.setting.name:56} {each.held:5.3f}  {WANTED[0]:.2f} to {WANTED[1]:.2f} {words}")
    return [asdict(each) | {"reaches_goal": reaches_goal(each)} for each in found]
