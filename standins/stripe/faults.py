"""Faults on demand, and the log of every request that the API received."""

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

MODES = ("ok", "429", "500", "hang", "reset", "reset_after", "html")


@dataclass
class Fault:
    """How the API misbehaves: `count` times (None: until changed) on paths that begin with `path_prefix`.

    429, 500, html and reset come before anything is done; hang waits `seconds` and then works; reset_after
    does the work and drops the connection instead of answering. `retry_after` (seconds) goes out with 429 and
    500 as Retry-After.
    """

    mode: str = "ok"
    count: int | None = None
    path_prefix: str = "/v1/"
    seconds: float = 30.0
    retry_after: int | None = None


@dataclass
class Record:
    """One request to the API as it was received."""

    seq: int
    method: str
    path: str
    pairs: list[list[str]]
    idempotency_key: str | None
    stripe_version: str | None
    at: float = field(default_factory=time.time)
    body: dict[str, Any] | None = None
    fault: str | None = None
    status: int | None = None


class Desk:
    """The fault that is set and the requests seen (the last 5,000). Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault = Fault()
        self._records: deque[Record] = deque(maxlen=5000)
        self._seq = 0

    def set(self, fault: Fault) -> None:
        """Replaces the fault."""
        with self._lock:
            self._fault = fault

    def take(self, path: str) -> Fault:
        """The fault that this request meets; counts it."""
        with self._lock:
            fault = self._fault
            if fault.mode == "ok" or not path.startswith(fault.path_prefix) or fault.count == 0:
                return Fault()
            if fault.count is not None:
                fault.count -= 1
            return fault

    def note(
        self, method: str, path: str, pairs: list[tuple[str, str]], key: str | None, version: str | None
    ) -> Record:
        """Writes a request down; the caller fills in what became of it."""
        with self._lock:
            self._seq += 1
            record = Record(self._seq, method, path, [list(pair) for pair in pairs], key, version)
            self._records.append(record)
            return record

    def records(self, since: int = 0) -> list[dict[str, Any]]:
        """Requests with a sequence number above `since`, oldest first."""
        with self._lock:
            return [asdict(record) for record in self._records if record.seq > since]

    def clear(self) -> None:
        """Forgets the requests; sequence numbers go on."""
        with self._lock:
            self._records.clear()
