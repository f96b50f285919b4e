"""`python -m standins.run.guard`: ends the demo's processes when the demo itself was killed.

Reads process groups from standard input, one a line, and acts when that ends: then nobody holds the other end
of the pipe. The demo ends the guard itself when it has ended everything in order.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

LAST_SECONDS = 10.0


def signal_groups(groups: Iterable[int], number: int) -> list[int]:
    """The groups that still had processes."""
    alive = []
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, number)
            alive.append(group)
    return alive


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    left = signal_groups([int(line) for line in sys.stdin], signal.SIGTERM)
    deadline = time.monotonic() + LAST_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = signal_groups(left, 0)
    signal_groups(left, signal.SIGKILL)


if __name__ == "__main__":
    main()
