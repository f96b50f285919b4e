"""Slow clients: connections that send one byte every so often and never finish what they began."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.load import Address, make_request

SECONDS_PER_BYTE = 0.5
FORM = "application/x-www-form-urlencoded"
ENDLESS = b"x" * 100_000


def slow_headers() -> bytes:
    """A request whose head never ends."""
    return b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Padding: "


def slow_body(path: str, headers: dict[str, str] | None = None) -> bytes:
    """A form whose head is whole and whose body never is."""
    form = {"Content-Type": FORM, **(headers or {})}
    return make_request(path, method="POST", headers=form, body=ENDLESS).removesuffix(ENDLESS)


@contextmanager
def slow_clients(address: Address, start: bytes, count: int) -> Iterator[None]:
    """`count` clients that send `start` at once and then drip; one that is cut off begins again."""
    stop = threading.Event()
    thread = threading.Thread(target=_drip, args=(address, start, count, stop), daemon=True)
    thread.start()
    time.sleep(2 * SECONDS_PER_BYTE)
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def _drip(address: Address, start: bytes, count: int, stop: threading.Event) -> None:
    sockets = [_begin(address, start) for _ in range(count)]
    while not stop.wait(SECONDS_PER_BYTE):
        for index, slow in enumerate(sockets):
            try:
                slow.send(b"x")
            except OSError:
                slow.close()
                sockets[index] = _begin(address, start)
    for slow in sockets:
        slow.close()


def _begin(address: Address, start: bytes) -> socket.socket:
    slow = socket.socket()
    slow.settimeout(1)
    with suppress(OSError):
        slow.connect(address)
        slow.sendall(start)
    return slow
