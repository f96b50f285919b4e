"""The load generator counts what really came back, from a server that misbehaves as told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat

from bench.load import Address, make_request, run

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
BAD = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops"


@contextmanager
def server(answers: list[bytes]) -> Iterator[Address]:
    """Takes one connection and gives one answer to each request, in two pieces; hangs up after the last."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, answers), daemon=True)
        thread.start()
        yield listening.getsockname()
        thread.join(timeout=5)


def _serve(listening: socket.socket, answers: list[bytes]) -> None:
    connection, _ = listening.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.close()
    with connection:
        for answer in answers:
            connection.recv(65_536)
            connection.sendall(answer[:-2])
            connection.sendall(answer[-2:])


def test_every_whole_answer_is_counted_and_failures_apart() -> None:
    requests = [make_request("/")] * 3
    with server([GOOD, EMPTY, BAD]) as address:
        load = run(address, iter(requests), seconds=5, connections=1)
    assert (len(load.waits), load.bad_answers, load.lost_connections) == (3, 1, 0)


def test_a_connection_that_breaks_is_an_error() -> None:
    with server([GOOD, GOOD]) as address:
        load = run(address, repeat(make_request("/")), seconds=5, connections=1)
    assert len(load.waits) == 2
    assert load.lost_connections == 2  # the one that broke, and the next, which nobody took
    assert load.errors == 2


def test_a_round_ends_when_the_requests_do() -> None:
    with server([GOOD]) as address:
        load = run(address, iter([make_request("/")]), seconds=60, connections=4)
    assert len(load.waits) == 1
    assert load.seconds < 30


def test_a_body_is_announced_with_its_length() -> None:
    assert make_request("/form", method="POST", body=b"a=1").endswith(b"Content-Length: 3\r\n\r\na=1")
