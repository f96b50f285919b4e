"""One chain, read row by row: which rows are what they were, and where those that are not stand.

A row whose hash holds is an anchor. What lies between two anchors, or between the last one and the head, is a gap:
positions that no genuine row fills, and rows that are not genuine. `gaps.py` tells from them what was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.audit.actions import Action
from portal.audit.chain import START, AuditKey, row_hash
from portal.audit.findings import Finding, Kind, Report
from portal.audit.rows import UnreadableRowError, Values, values_of
from portal.audit.summary import Summary, read_summary
from portal.database import AnyRow

FARTHEST_SHIFT = 1000
"""How far a run of renumbered rows is looked for."""
MOST_SUSPECTS = 200
"""Of so many rows in a chain it is asked where they belong; the others are only said to be changed."""


@dataclass(slots=True)
class Suspect:
    """A row that is not what was written at its position. `belongs` is the position that its hash was made for."""

    position: int
    values: Values | None
    belongs: int | None = None


@dataclass(slots=True)
class Gap:
    """Positions `first` to `last`, which no genuine row fills, and the rows that were found there."""

    first: int
    last: int
    suspects: list[Suspect]
    is_end: bool = False


@dataclass(slots=True)
class Check:
    """What the walks through all chains share. Searches and tries are dear, so there is an end to them.

    In a log of which a large part was changed, rows are then only said to be changed, not where they belong.
    """

    keys: Mapping[str, AuditKey]
    report: Report
    searches_left: int = 50
    tries_left: int = 1_000_000

    def may_try(self, count: int) -> bool:
        """Whether so many more hashes may be computed; counts them."""
        self.tries_left -= count
        return self.tries_left >= 0


@dataclass(slots=True)
class ChainWalk:
    """The state between two rows of a chain."""

    chain: str
    check: Check
    watched: int | None = None
    """The position of the exported head; the hash found there is kept in `watched_hash`."""
    watched_hash: str | None = None
    position: int = 0
    hash: str = START
    id: int = 0
    first_link: str | None = None
    """What the first row gives as the hash before it."""
    between: list[Suspect] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    suspects: int = 0
    summary: Summary | None = None
    unknown: dict[str, tuple[int, int]] = field(default_factory=dict)

    def step(self, row: AnyRow) -> None:
        """The next row of the chain, by its position."""
        try:
            values = values_of(row)
        except UnreadableRowError:
            number = row.position if isinstance(row.position, int) else 0
            self._suspect(Suspect(number, None))
            return
        if self.first_link is None:
            self.first_link = values["previous_hash"]
        position = self._genuine_position(values)
        if position is None:
            self._suspect(self._suspect_of(values))
        else:
            self._anchor(values, position)

    def is_made_for(self, values: Values, position: int) -> bool:
        """Whether this row was written at this position."""
        key = self.check.keys.get(values["key_id"])
        return (
            key is not None
            and position > 0
            and row_hash(key, {**values, "position": position}) == values["hash"]
        )

    def promote_last(self) -> None:
        """The last suspect is genuine, only renumbered with all that follows: what followed it fits."""
        last = self.between.pop()
        if last.values is None or last.belongs is None:
            raise ValueError("a row whose place is unknown cannot be taken for genuine")
        self._anchor(last.values, last.belongs)

    def _genuine_position(self, values: Values) -> int | None:
        key = self.check.keys.get(values["key_id"])
        if key is None:
            first, count = self.unknown.get(values["key_id"], (values["position"], 0))
            self.unknown[values["key_id"]] = (first, count + 1)
            return int(values["position"]) if values["position"] > self.position else None
        if row_hash(key, values) == values["hash"]:
            return int(values["position"])
        if values["previous_hash"] == self.hash and self.is_made_for(values, self.position + 1):
            return self.position + 1
        last = self.between[-1] if self.between else None
        if last and last.values and last.belongs and values["previous_hash"] == last.values["hash"]:
            position = last.belongs + 1
            if self.is_made_for(values, position):
                self.promote_last()
                return position
        return None

    def _anchor(self, values: Values, position: int) -> None:
        if position <= self.position:
            self._add(Kind.INSERTED, values["position"], f"a second copy of row {position}")
            return
        if position > self.position + 1 or self.between:
            self.gaps.append(Gap(self.position + 1, position - 1, self.between))
            self.between = []
        elif values["previous_hash"] != self.hash:
            self._add(Kind.CHANGED, position, "the row does not follow the one before it")
        if values["id"] <= self.id:
            text = f"the row has the id {values['id']}, the one before it {self.id}: ids were exchanged"
            self._add(Kind.SWAPPED, position, text)
        if values["action"] == Action.LOG_CUT.value:
            self._note_summary(values, position)
        if position == self.watched:
            self.watched_hash = values["hash"]
        self.position, self.hash, self.id = position, values["hash"], values["id"]

    def _note_summary(self, values: Values, position: int) -> None:
        found = read_summary(values["after"], self.chain, self.check.keys)
        if found is None:
            self._add(Kind.SUMMARY, position, "the summary of removed rows is not signed by the audit key")
        elif self.summary is None or found.last_position > self.summary.last_position:
            self.summary = found

    def _suspect_of(self, values: Values) -> Suspect:
        suspect = Suspect(values["position"], values)
        if not self.between and self.check.searches_left:
            self.check.searches_left -= 1
            suspect.belongs = self._search(values)
        return suspect

    def _search(self, values: Values) -> int | None:
        """The position that the row was written at, if rows before it were removed or inserted and it renumbered."""
        for distance in range(1, FARTHEST_SHIFT + 1):
            for position in (values["position"] + distance, values["position"] - distance):
                if self.is_made_for(values, position):
                    return int(position)
        return None

    def _suspect(self, suspect: Suspect) -> None:
        self.suspects += 1
        if self.suspects > MOST_SUSPECTS:
            suspect.values = None
        self.between.append(suspect)

    def _add(self, kind: Kind, position: int, text: str) -> None:
        self.check.report.add(Finding(kind, self.chain, position, text))
