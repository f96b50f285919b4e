"""How the stand-ins serve HTTP, and how they hang up."""

import logging
import os
import signal
import socket
import struct
import sys
from types import FrameType
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request


class Handler(WSGIRequestHandler):
    """One request a connection, and no line printed for it."""

    # With HTTP/1.1 werkzeug waits for a next request on a connection that a fault has dropped.
    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """A stand-in keeps what it was asked, and prints none of it."""


def drop(request: Request) -> None:
    """Ends the connection with a reset instead of an answer."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError


def serve(name: str, app: WSGIApplication, host: str, port: int) -> None:
    """Until SIGTERM, SIGINT or SIGHUP, which end the process; port 0 takes any free one. `name` for the terminal."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        sys.exit(f"the {name} cannot start: {os.strerror(error.errno or 0)}")
    with listener:
        server = make_server(host, 0, app, threaded=True, request_handler=Handler, fd=listener.fileno())
        print(f"{name}: on http://{host}:{listener.getsockname()[1]}", flush=True)
        server.serve_forever()


def _stop(number: int, frame: FrameType | None) -> None:
    """What was answered is on disk, where anything is kept."""
    sys.exit(0)
