"""How the stand-ins serve HTTP, and how they hang up."""

import socket
import struct

from werkzeug.serving import WSGIRequestHandler
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
