"""`python -m jobs`: the worker process."""

import os
import sys

from jobs.runner import run_worker
from wsgi import create_app


def main() -> None:
    """Run until asked to stop."""
    run_worker(create_app())
    sys.stderr.flush()
    os._exit(0)  # a drain that timed out leaves a thread behind which would keep the process alive


if __name__ == "__main__":
    main()
