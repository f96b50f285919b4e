"""What was caught: one file each, exactly as it came, beside a .json file with what was known of it."""

import json
import re
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

ID = re.compile(r"\d{20}-[0-9a-f]{8}")
Caught = tuple[bytes, dict[str, Any]]


class Folder:
    """A folder on disk; ids ascend with time. Safe to use from several threads."""

    def __init__(self, path: Path, suffix: str) -> None:
        self._path = path
        self._suffix = suffix
        self._lock = Lock()
        self._last = 0
        path.mkdir(parents=True, exist_ok=True)

    def add(self, raw: bytes, details: dict[str, Any]) -> str:
        """Its id. It is on disk under its name only when it is whole."""
        caught_id = self._new_id()
        self._file(caught_id, "json").write_text(json.dumps(details))
        unfinished = self._file(caught_id, "new")
        unfinished.write_bytes(raw)
        unfinished.rename(self._file(caught_id, self._suffix))
        return caught_id

    def ids(self) -> list[str]:
        """The newest first."""
        return sorted((path.stem for path in self._path.glob(f"*.{self._suffix}")), reverse=True)

    def read(self, caught_id: str) -> Caught | None:
        """What came and what was known of it; None for an unknown id, and for anything that is not an id."""
        if not ID.fullmatch(caught_id):
            return None
        try:
            raw = self._file(caught_id, self._suffix).read_bytes()
            return raw, json.loads(self._file(caught_id, "json").read_text())
        except FileNotFoundError:
            return None

    def clear(self) -> int:
        """Forgets everything; how much there was."""
        found = self.ids()
        for caught_id in found:
            self._file(caught_id, self._suffix).unlink(missing_ok=True)
            self._file(caught_id, "json").unlink(missing_ok=True)
        return len(found)

    def _new_id(self) -> str:
        """Later than every one before it, even if the clock was set back."""
        with self._lock:
            self._last = max(time.time_ns(), self._last + 1)
            return f"{self._last:020d}-{secrets.token_hex(4)}"

    def _file(self, caught_id: str, suffix: str) -> Path:
        return self._path / f"{caught_id}.{suffix}"


def caught_at(caught_id: str) -> datetime:
    """UTC; the id starts with the nanoseconds since 1970."""
    return datetime.fromtimestamp(int(caught_id[:20]) / 1_000_000_000, UTC)
