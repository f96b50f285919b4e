"""What a chain says of the rows that retention has taken from its start: signed, so that nobody else can say it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from portal.audit.chain import AuditKey, encode


@dataclass(frozen=True, slots=True)
class Summary:
    """Rows `first_position` to `last_position` are gone, all older than `cut_before`; `last_hash` is of the last."""

    rows: int
    first_position: int
    last_position: int
    last_hash: str
    cut_before: str

    @classmethod
    def of(cls, first: int, last: int, last_hash: str, cut_before: datetime) -> Self:
        """The summary of an unbroken run of rows."""
        return cls(last - first + 1, first, last, last_hash, cut_before.isoformat())

    def signed(self, key: AuditKey, chain: str) -> dict[str, Any]:
        """As it stands in `after` of the row that tells of the cut."""
        return {**asdict(self), "signed_with": key.id, "signature": key.sign(self.message(chain))}

    def message(self, chain: str) -> bytes:
        """What is signed."""
        return b"portal audit cut 1 " + encode([chain, *asdict(self).values()]).encode()


FIELDS = tuple(Summary.__dataclass_fields__)


def read_summary(after: Mapping[str, Any] | None, chain: str, keys: Mapping[str, AuditKey]) -> Summary | None:
    """The summary in a row's `after`; None unless one of the keys has signed it for this chain."""
    given = after or {}
    key = keys.get(str(given.get("signed_with")))
    if key is None or not all(name in given for name in FIELDS):
        return None
    summary = Summary(**{name: given[name] for name in FIELDS})
    return summary if given.get("signature") == key.sign(summary.message(chain)) else None
