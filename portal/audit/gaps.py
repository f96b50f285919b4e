"""What was done to a chain, told from the gaps that its walk has left."""

from collections.abc import Iterator
from itertools import combinations

from portal.audit.chain import HASHED, row_hash
from portal.audit.findings import Finding, Kind, Report, positions
from portal.audit.walk import ChainWalk, Gap, Suspect

PLACE = {"chain", "position", "previous_hash"}
CONTENT = tuple(name for name in HASHED if name not in PLACE)
MOST_PLACES = 200
"""So many places are tried for each row that may have been moved."""


class Settling:
    """Findings from the gaps of one chain, the most telling ones first; each takes its rows out of the gaps."""

    def __init__(self, walk: ChainWalk, report: Report) -> None:
        self.walk, self.report = walk, report
        self.filled: set[int] = set()
        """Positions whose genuine row stands somewhere else."""

    def settle(self) -> None:
        """Report what each gap tells."""
        places, readable = self._places(), list(self._readable())
        if self.walk.check.may_try(len(readable) * (len(places) + len(readable))):
            self._moved_rows(places)
            self._exchanged_contents()
        for gap in self.walk.gaps:
            self._rest_of(gap)

    def _add(self, kind: Kind, position: int, text: str) -> None:
        self.report.add(Finding(kind, self.walk.chain, position, text))

    def _readable(self) -> Iterator[tuple[Gap, Suspect]]:
        for gap in self.walk.gaps:
            for suspect in list(gap.suspects):
                if suspect.values is not None:
                    yield gap, suspect

    def _places(self) -> list[int]:
        places: list[int] = []
        for gap in self.walk.gaps:
            room = MOST_PLACES - len(places)
            places.extend(range(gap.first, min(gap.last, gap.first + room - 1) + 1))
        return places

    def _moved_rows(self, places: list[int]) -> None:
        """Rows that are whole but stand at another's position."""
        moved: dict[int, int] = {}
        for gap, suspect in self._readable():
            found = suspect.belongs or next(
                (place for place in places if self.walk.is_made_for(suspect.values or {}, place)), None
            )
            if found is not None:
                gap.suspects.remove(suspect)
                moved[suspect.position] = found
        self.filled.update(moved.values())
        for position, belongs in moved.items():
            if moved.get(belongs) == position:
                if position < belongs:
                    self._add(
                        Kind.SWAPPED, position, f"rows {position} and {belongs} stand in each other's place"
                    )
            else:
                self._add(Kind.SWAPPED, position, f"row {belongs} stands at position {position}")
        self.filled.update(position for position, belongs in moved.items() if moved.get(belongs) == position)

    def _exchanged_contents(self) -> None:
        """Rows that kept their position and their hash, with what they tell exchanged."""
        for (gap, one), (other_gap, other) in combinations(self._readable(), 2):
            if one in gap.suspects and other in other_gap.suspects and self._are_exchanged(one, other):
                gap.suspects.remove(one)
                other_gap.suspects.remove(other)
                self.filled.update((one.position, other.position))
                text = f"the contents of rows {one.position} and {other.position} were exchanged"
                self._add(Kind.SWAPPED, one.position, text)

    def _are_exchanged(self, one: Suspect, other: Suspect) -> bool:
        return self._fits_with(one, other) and self._fits_with(other, one)

    def _fits_with(self, place: Suspect, content: Suspect) -> bool:
        """Whether the hash at `place` was made of what now stands at `content`."""
        if place.values is None or content.values is None:
            return False
        key = self.walk.check.keys.get(place.values["key_id"])
        whole = {**place.values, **{name: content.values[name] for name in CONTENT}}
        return key is not None and row_hash(key, whole) == place.values["hash"]

    def _rest_of(self, gap: Gap) -> None:
        taken = {suspect.position for suspect in gap.suspects if gap.first <= suspect.position <= gap.last}
        for suspect in gap.suspects:
            if suspect.position in taken:
                self._add(Kind.CHANGED, suspect.position, self._how_changed(gap, suspect))
            else:
                text = "a row that the portal has not written stands between the others"
                self._add(Kind.INSERTED, suspect.position, text)
        for first, last in _runs(gap, taken | self.filled):
            if gap.is_end and last == gap.last:
                text = f"{positions(first, last)} at the end of the chain, up to its head, are missing"
                self._add(Kind.CUT, first, text)
            else:
                self._add(Kind.REMOVED, first, f"missing: {positions(first, last)}")

    @staticmethod
    def _how_changed(gap: Gap, suspect: Suspect) -> str:
        if suspect.values is None and not gap.is_end:
            return "the row holds what the portal has not written"
        if gap.is_end and suspect.position == gap.last:
            return "the row does not fit its hash: changed, or inserted at the end and the head moved with it"
        return "the row does not fit its hash"


def _runs(gap: Gap, taken: set[int]) -> Iterator[tuple[int, int]]:
    """Runs of positions that nothing accounts for. A gap may be long: only what is taken is gone through."""
    first = gap.first
    for position in sorted(number for number in taken if gap.first <= number <= gap.last):
        if position > first:
            yield first, position - 1
        first = position + 1
    if first <= gap.last:
        yield first, gap.last
