"""What the web server has to do besides being fast, tried on the portal with the Procfile's flags."""

import os
import signal
import socket
import threading
import time
from itertools import repeat
from pathlib import Path

import requests

from bench.events import stripe_event
from bench.load import Load, make_request, run
from bench.pages import SESSION_COOKIE
from bench.people import People
from bench.rig import FLOOR, PORTAL, Server, serve
from bench.slow import FORM, slow_body, slow_clients
from tests.support.processes import http, wait_until
from wsgi import LARGEST_BODY

SLOW_WRITE_SECONDS = 3.0
LONG_BODY = 64 * LARGEST_BODY


def check(database_url: str, people: People, log: Path) -> dict[str, str]:
    """Each check with what was seen; prints them."""
    seen = {
        "a killed worker is replaced": killed_worker(database_url, people, log),
        "SIGTERM beside a long document": drain(database_url, log),
        "SIGTERM beside an idle connection": drain_idle(database_url, log),
        "a long body without Content-Length": long_chunked_body(database_url, log),
        "a write beside one slow signed-in form": write_beside_slow_form(database_url, people, log),
    }
    print()
    for name, what in seen.items():
        print(f"  {name:40} {what}")
    return seen


def killed_worker(database_url: str, people: People, log: Path) -> str:
    """SIGKILL for one of the workers under load."""
    with serve(FLOOR, database_url, log) as server:
        before = server.workers
        os.kill(min(before), signal.SIGKILL)
        killed = time.monotonic()
        read = make_request(f"/read/{people.owner_id}")
        load = run(server.address, repeat(read), seconds=1)
        wait_until(
            "a new worker",
            lambda: len(server.workers) == len(before) and server.workers != before,
            seconds=30,
        )
        took = time.monotonic() - killed
    return f"after {took:.1f} s; meanwhile {len(load.waits)} answers and {load.errors} errors in a second"


def drain(database_url: str, log: Path) -> str:
    """SIGTERM while a long document is on its way."""
    with serve(FLOOR, database_url, log) as server:
        loads: list[Load] = []
        one = iter([make_request("/document.pdf")])
        thread = threading.Thread(
            target=lambda: loads.append(run(server.address, one, seconds=30, connections=1))
        )
        thread.start()
        time.sleep(0.5)
        ended = end(server)
        thread.join()
    answer = f"answered after {loads[0].waits[0] / 1000:.1f} s" if loads[0].waits else "lost"
    return f"{answer}; the server {ended}"


def drain_idle(database_url: str, log: Path) -> str:
    """SIGTERM while a client only holds its connection open for a next request."""
    with serve(FLOOR, database_url, log) as server, socket.create_connection(server.address) as client:
        client.sendall(make_request("/nothing-here"))
        client.recv(1)
        return f"the server {end(server)}"


def end(server: Server) -> str:
    """SIGTERM, and how the server took it."""
    asked = time.monotonic()
    server.process.send(signal.SIGTERM)
    code = server.process.wait_for_exit(seconds=30)
    return f"ended with {code} after {time.monotonic() - asked:.1f} s"


def long_chunked_body(database_url: str, log: Path) -> str:
    """Many times what is allowed, in chunks that announce no length: the answers, and what it took of memory."""
    statuses = []
    with serve(PORTAL, database_url, log) as server, http() as client:
        before = server.peak_memory
        for path, kind in (("/webhooks/stripe", "application/json"), ("/auth/sign-in", FORM)):
            chunks = repeat(b"x" * 50_000, LONG_BODY // 50_000)
            url = f"http://{server.address[0]}:{server.address[1]}{path}"
            try:
                answer = client.post(url, data=iter(chunks), headers={"Content-Type": kind}, timeout=20)
                statuses.append(f"{path} {answer.status_code}")
            except requests.ConnectionError:
                statuses.append(f"{path} hung up")
        grown = (server.peak_memory - before) / 1e6
    return f"{', '.join(statuses)}; {LONG_BODY / 1e6:.0f} MB sent twice, memory grew by {grown:.0f} MB"


def write_beside_slow_form(database_url: str, people: People, log: Path) -> str:
    """A webhook while somebody who is signed in sends a form slowly: is SQLite's write lock held meanwhile?"""
    form = slow_body("/account/profile", {"Cookie": f"{SESSION_COOKIE}={people.token}"})
    with serve(PORTAL, database_url, log) as server, slow_clients(server.address, form, 1):
        load = run(server.address, iter([stripe_event()]), seconds=SLOW_WRITE_SECONDS, connections=1)
    if not load.waits:
        return f"not answered within {SLOW_WRITE_SECONDS:g} s"
    return f"answered after {load.waits[0]:.0f} ms, {load.errors} errors"
