"""What a job is given: who it works as, and whether it is time to stop."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Work:
    """One worker process. `worker` is the name that its claims carry."""

    worker: str
    stop: threading.Event = field(default_factory=threading.Event)

    def should_go_on(self) -> bool:
        """False as soon as the process was asked to end: take no new piece of work."""
        return not self.stop.is_set()
