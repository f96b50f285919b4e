"""The reasons why customers write, as `reasons.toml` lists them."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REASONS_FILE = Path(__file__).with_name("reasons.toml")
OTHER = "other"
"""The reason of what is no request: it is in no ranking and in no share."""
UNCLEAR = "unclear"
"""What the ranking calls tickets whose tag is too unsure to count."""
UNCLEAR_TITLE = "Unclear, please look"
NOT_ABSORBED = frozenset({"support", "none"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. `screen` could absorb it, `opens` is the screen of this portal that does (`""`: none yet)."""

    key: str
    title: str
    screen: str
    opens: str

    @property
    def is_absorbable(self) -> bool:
        """Whether a screen could do it, so that nobody has to write."""
        return self.screen not in NOT_ABSORBED


@cache
def all_reasons() -> dict[str, Reason]:
    """Every reason by its key, in the order of the file."""
    rows = tomllib.loads(REASONS_FILE.read_text(encoding="utf-8"))
    return {key: Reason(key, row["title"], row["screen"], row["opens"]) for key, row in rows.items()}
