"""A load generator: one thread, keep-alive connections, requests made beforehand.

It costs the machine about 20 microseconds an answer, so on few cores a ratio comes out a little too kind.
"""

import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Address = tuple[str, int]
CHUNK_BYTES = 1 << 18
CONNECT_SECONDS = 2.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
WITHOUT_BODY = (b"204", b"304")


@dataclass(slots=True)
class Load:
    """What a round of load came to. Waits are in milliseconds, in the order in which the answers came."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    bad_answers: int = 0
    lost_connections: int = 0
    longest_wait: float = 0.0  # also of requests that were never answered

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return (len(self.waits) - self.bad_answers) / self.seconds

    @property
    def errors(self) -> int:
        """Answers with a status of 300 or more, and connections that were refused or broke."""
        return self.bad_answers + self.lost_connections

    @property
    def p95(self) -> float:
        """The wait that 19 of 20 answers stayed under; what the slowest waited where nearly nothing was answered."""
        return statistics.quantiles(self.waits, n=20)[-1] if len(self.waits) > 1 else self.longest_wait


def make_request(
    path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """One request as it goes over the wire; `localhost` is a host that every portal trusts."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    """One keep-alive connection and the answer that is coming in on it."""

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=CONNECT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = b""
        self.missing: int | None = None  # bytes of the answer still to come, once its head is there
        self.asked_at = 0.0

    def ask(self, request: bytes) -> None:
        self.head, self.missing = b"", None
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; whether the answer is whole. Raises `OSError` when the other side has hung up."""
        chunk = self.socket.recv(CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError
        if self.missing is None:
            self.head += chunk
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.missing = end + 4 + self._body_length(end) - len(self.head)
        else:
            self.missing -= len(chunk)
        return self.missing <= 0

    @property
    def is_good(self) -> bool:
        """Whether the answer's status is a success."""
        return self.head[9:10] == b"2"

    def _body_length(self, end: int) -> int:
        if self.head[9:12] in WITHOUT_BODY:
            return 0
        found = LENGTH.search(self.head, 0, end)
        if found is None:
            raise ValueError(f"an answer without Content-Length: {self.head[:end]!r}")
        return int(found[1])


class _Round:
    """The connections of one round, and the counting."""

    def __init__(self, address: Address, requests: Iterator[bytes]) -> None:
        self.address, self.requests = address, requests
        self.load = Load()
        self.open = selectors.DefaultSelector()

    def connect(self) -> None:
        """Open a connection and ask on it; one that is refused is counted."""
        request = next(self.requests, None)
        if request is None:
            return
        try:
            connection = _Connection(self.address)
            connection.ask(request)
        except OSError:
            self.load.lost_connections += 1
            return
        self.open.register(connection.socket, selectors.EVENT_READ, connection)

    def advance(self, connection: _Connection) -> None:
        """Read from a connection, and ask the next thing when its answer is whole."""
        try:
            if not connection.receive():
                return
            self.load.waits.append((time.perf_counter() - connection.asked_at) * 1000)
            self.load.bad_answers += not connection.is_good
            request = next(self.requests, None)
            if request is not None:
                connection.ask(request)
                return
        except OSError:
            self.load.lost_connections += 1
            self.close(connection)
            self.connect()
            return
        self.close(connection)

    def close(self, connection: _Connection) -> None:
        self.open.unregister(connection.socket)
        connection.socket.close()

    def finish(self, now: float) -> Load:
        """Close everything. What is still unanswered counts for the longest wait only."""
        left = [key.data for key in self.open.get_map().values()]
        waiting = [(now - connection.asked_at) * 1000 for connection in left]
        self.load.longest_wait = max([*self.load.waits, *waiting], default=0.0)
        for connection in left:
            self.close(connection)
        self.open.close()
        return self.load


def run(address: Address, requests: Iterator[bytes], *, seconds: float, connections: int = 8) -> Load:
    """Send `requests`, each connection one after the other, until `seconds` are over or there are no more."""
    going = _Round(address, requests)
    started = now = time.perf_counter()
    for _ in range(connections):
        going.connect()
    while now - started < seconds and going.open.get_map():
        for key, _ in going.open.select(timeout=max(0.0, started + seconds - now)):
            going.advance(key.data)
        now = time.perf_counter()
    now = time.perf_counter()
    going.load.seconds = now - started
    return going.finish(now)
