"""`python -m tests.support.nursery`: real workers that start quickly, for tests that kill many of them.

Each SIGUSR1 forks one that goes on as `python -m jobs` does; only the imports are already done. They stay in the
nursery's process group, and nobody waits for the dead: the kernel takes them away.
"""

import os
import signal
import sys

from jobs.__main__ import main as work


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    sys.stdout.write("nursery ready\n")
    sys.stdout.flush()
    while True:
        signal.sigwait({signal.SIGUSR1})
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work()


if __name__ == "__main__":
    main()
