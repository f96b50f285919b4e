"""Tags of earlier runs, which a new run keeps: in `tags.json` beside the outputs, or in the database."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from portal.errors import InvalidInputError
from portal.inbox.verdicts import Verdict, renamed

TAGS_FILE = "tags.json"
START, END = '{"tickets":{', "}}"


class EarlierTags(Protocol):
    """Where earlier tags are found."""

    def find(self, keys: Iterable[str]) -> Mapping[str, Verdict]:
        """Those of these tickets that were tagged before."""

    def pinned(self) -> Iterable[Verdict]:
        """Every verdict of a person: they teach."""

    def others(self, written: set[str]) -> Iterable[tuple[str, Verdict]]:
        """Those of tickets that this run has not read, to be carried along in `tags.json`."""


class FileTags:
    """Those of `tags.json` in a folder; none where it is not there. Raises `InvalidInputError` for a damaged one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / TAGS_FILE
        self._tags: dict[str, Verdict] = {}
        if self.path.is_file():
            self._tags = dict(_read(self.path))

    def find(self, keys: Iterable[str]) -> Mapping[str, Verdict]:
        """Those of these tickets that were tagged before."""
        return {key: self._tags[key] for key in keys if key in self._tags}

    def pinned(self) -> Iterable[Verdict]:
        """Every verdict of a person."""
        return [tag for tag in self._tags.values() if tag.is_pinned]

    def others(self, written: set[str]) -> Iterable[tuple[str, Verdict]]:
        """Those of tickets that this run has not read."""
        return [(key, tag) for key, tag in self._tags.items() if key not in written]


@dataclass(frozen=True, slots=True)
class BothTags:
    """Those of a file, and those of the database where the file has none; a person's verdict goes before a tagger's."""

    file: EarlierTags
    stored: EarlierTags

    def find(self, keys: Iterable[str]) -> Mapping[str, Verdict]:
        """Those of these tickets that were tagged before."""
        wanted = list(keys)
        found = dict(self.stored.find(wanted))
        for key, verdict in self.file.find(wanted).items():
            if verdict.is_pinned or key not in found or not found[key].is_pinned:
                found[key] = verdict
        return found

    def pinned(self) -> Iterable[Verdict]:
        """Every verdict of a person."""
        return [*self.file.pinned(), *self.stored.pinned()]

    def others(self, written: set[str]) -> Iterable[tuple[str, Verdict]]:
        """Those of the file."""
        return self.file.others(written)


class TagsWriter:
    """Writes `tags.json`, a ticket a line."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / TAGS_FILE).open("w", encoding="utf-8", newline="\n")
        self._file.write(START)
        self.written: set[str] = set()

    def write(self, key: str, verdict: Verdict) -> None:
        """Add a ticket; the first verdict for it counts."""
        if key in self.written:
            return
        comma = "," if self.written else ""
        self._file.write(f"{comma}\n{json.dumps(key, ensure_ascii=False)}:{verdict.as_json()}")
        self.written.add(key)

    def close(self) -> None:
        """The file is complete."""
        self._file.write(f"\n{END}\n")
        self._file.close()


def _read(path: Path) -> Iterator[tuple[str, Verdict]]:
    """Line by line, so that the text of the file is never in memory as a whole."""
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                row = line.strip().rstrip(",")
                if row not in (START, END, ""):
                    for key, values in json.loads(f"{{{row}}}").items():
                        yield key, renamed(Verdict.from_json(values))
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged. Take it away to tag every ticket anew."
        raise InvalidInputError(message, field="out") from error
