"""What all reasons together save."""

from collections.abc import Mapping, Sequence

import numpy as np

from portal.deflection.intervals import TINY, Numbers
from portal.deflection.rates import Figures, Told

WHATS = ("tickets", "minutes", "cost_minor")


def total_saved(told: Sequence[Told]) -> Figures | None:
    """Of the reasons with enough to say, with 95 % bounds; None where there is none.

    Each figure is the sum over the reasons that know it. Its bounds lie as far away as those of the reasons put
    together, as far as these go together: by how alike organizations are off from what is expected of them.
    """
    enough = [each for each in told if each.figures["saved"]]
    if not enough:
        return None
    total: Figures = {"reasons": len(enough)}
    for what in WHATS:
        known = [each for each in enough if each.figures["saved"][what] is not None]
        alike = _alike([each.off for each in known])
        rows = np.array(
            [[each.figures["saved"][f"{what}{end}"] for end in ("", "_low", "_high")] for each in known],
            dtype=np.float64,
        ).reshape(-1, 3)
        value = float(rows[:, 0].sum())
        below, above = rows[:, 0] - rows[:, 1], rows[:, 2] - rows[:, 0]
        bounds = {
            "": value,
            "_low": value - float(np.sqrt(below @ alike @ below)),
            "_high": value + float(np.sqrt(above @ alike @ above)),
        }
        digits = 1 if what == "tickets" else None
        total |= {f"{what}{end}": round(each, digits) if known else None for end, each in bounds.items()}
    return total


def _alike(offs: Sequence[Mapping[str, float]]) -> Numbers:
    """The correlation of each two reasons over organizations, from 0 to 1; 1 with itself."""
    keys = sorted({key for off in offs for key in off})
    rows = np.array([[off.get(key, 0.0) for key in keys] for off in offs]).reshape(len(offs), len(keys))
    sizes = np.sqrt(np.maximum((rows**2).sum(-1), TINY))
    alike: Numbers = np.clip(rows @ rows.T / np.outer(sizes, sizes), 0, 1)
    np.fill_diagonal(alike, 1)
    return alike
