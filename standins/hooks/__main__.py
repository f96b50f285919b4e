"""`python -m standins.hooks`: the webhook catcher as a process of its own. SIGTERM and SIGINT end it."""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from werkzeug.serving import make_server

from standins.catching.faults import Faults
from standins.hooks.pages import create_pages
from standins.hooks.store import Store
from standins.serving import Handler


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standins.hooks", description="Catches webhooks and shows them."
    )
    parser.add_argument("--host", default="127.0.0.1", help="where it listens (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 takes any free port")
    parser.add_argument(
        "--state", type=Path, default=Path("var/hooks"), metavar="FOLDER", help="keeps the webhooks"
    )
    return parser.parse_args()


def stop(number: int, frame: FrameType | None) -> None:
    """Ends the process; every webhook that was answered is on disk."""
    sys.exit(0)


def main() -> None:
    options = arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        sys.exit(f"the webhook catcher cannot start: {os.strerror(error.errno or 0)}")
    with listener:
        app = create_pages(Store(options.state), Faults())
        server = make_server(
            options.host, 0, app, threaded=True, request_handler=Handler, fd=listener.fileno()
        )
        print(f"webhook catcher: on http://{options.host}:{listener.getsockname()[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
