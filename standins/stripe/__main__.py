"""`python -m standins.stripe --host 127.0.0.1 --port 0 --state var/stripe.sqlite`: serves until SIGTERM."""

import argparse
import logging
import signal
import socket
import sys
from types import FrameType
from wsgiref.types import WSGIEnvironment

from werkzeug.serving import WSGIRequestHandler, make_server

from standins.stripe.server import StandIn


class Handler(WSGIRequestHandler):
    """Keeps connections open between requests and says nothing about each of them."""

    protocol_version = "HTTP/1.1"

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        """Ends the connection; without this the handler would wait for the next request on it."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are kept for `/_control/requests`, not printed."""


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
    with socket.create_server((args.host, args.port)) as listener:
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
