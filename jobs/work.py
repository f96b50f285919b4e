"""What a job is given: who it works as, for which slot, and whether it is time to stop."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from portal.kit.clock import utcnow


@dataclass(slots=True, eq=False)
class Work:
    """One run of a job.

    `worker` is the name that its claims carry, `slot_at` the time of the slot it runs for (None in polling jobs).
    """

    worker: str
    stop: threading.Event = field(default_factory=threading.Event)
    slot_at: datetime | None = None
    job: str = ""
    started_at: datetime = field(default_factory=utcnow)
    started: float = field(default_factory=time.monotonic)
    progress: float = field(default_factory=time.monotonic)
    is_lost: bool = False
    was_stopped: bool = False

    def should_go_on(self) -> bool:
        """Asked before each piece; asking is the sign of progress.

        False once the process was asked to end, or the slot went to somebody else: take no new piece of work.
        """
        self.progress = time.monotonic()
        if self.stop.is_set() or self.is_lost:
            self.was_stopped = True
        return not self.was_stopped

    def silence(self) -> float:
        """Seconds since the last sign of progress."""
        return time.monotonic() - self.progress

    def slot(self) -> datetime:
        """The slot's time. Raises `RuntimeError` in a polling job."""
        if self.slot_at is None:
            raise RuntimeError("only a job with slots has a slot")
        return self.slot_at
