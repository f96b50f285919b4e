"""What can be wrong with the log, in words."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What was done to a chain."""

    CHANGED = "changed"
    REMOVED = "removed"
    SWAPPED = "swapped"
    INSERTED = "inserted"
    CUT = "cut"
    ROLLED_BACK = "rolled back"
    HEAD = "head"
    SUMMARY = "summary"
    UNKNOWN_KEY = "unknown key"
    UNGUARDED = "unguarded"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `position` is the first row concerned; None where it is about more than a row."""

    kind: Kind
    chain: str
    position: int | None
    text: str

    def __str__(self) -> str:
        where = f"{self.chain}, position {self.position}" if self.position is not None else self.chain
        return f"{self.kind}: {where}: {self.text}"


MOST_FINDINGS = 1000


@dataclass(slots=True)
class Report:
    """What a check has read and found. `findings` keeps the first ones, `found` counts all."""

    rows: int = 0
    chains: int = 0
    cuts: int = 0
    found: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return self.found == 0

    def add(self, finding: Finding) -> None:
        """Count it, and keep it while there is room."""
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def positions(first: int, last: int) -> str:
    """`row 4`, `rows 4 to 9`."""
    return f"row {first}" if first == last else f"rows {first} to {last}"
