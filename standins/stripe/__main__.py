"""`python -m standins.stripe --host 127.0.0.1 --port 0 --state var/stripe.sqlite`: serves until SIGTERM."""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

from werkzeug.serving import make_server

from standins.serving import Handler
from standins.stripe.server import StandIn


def stop(number: int, frame: FrameType | None) -> None:
    """Ends the process; every request is in the store or was not answered."""
    sys.exit(0)


def main() -> None:
    """Parses the arguments, binds the port, says where it listens, serves."""
    parser = argparse.ArgumentParser(prog="standins.stripe", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--state", default=":memory:", help="SQLite file, or :memory:")
    parser.add_argument("--secret-key", default="sk_test_demo", help="the API key that is accepted")
    args = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, stop)
    Path(args.state).parent.mkdir(parents=True, exist_ok=True)
    try:
        listener = socket.create_server((args.host, args.port))
    except OSError as error:
        parser.exit(
            1, f"stripe stand-in: cannot listen on {args.host}:{args.port}: {os.strerror(error.errno or 0)}\n"
        )
    with listener:
        url = f"http://{args.host}:{listener.getsockname()[1]}"
        app = StandIn(args.state, url, args.secret_key)
        server = make_server(args.host, 0, app, threaded=True, request_handler=Handler, fd=listener.fileno())
        app.start()
        print(f"stripe stand-in listening on {url}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
