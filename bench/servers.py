"""The web server's settings (docs/decisions/0004-granian.md): how pages fare while other clients are slow.

Runs with `SERVERS=1 make bench`, on SQLite and on the bare views of `bench.floor`.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from bench.checks import check
from bench.load import Address, make_request, run
from bench.people import People, fill
from bench.rig import FLOOR, Server, empty_database, serve
from bench.slow import slow_body, slow_clients, slow_headers

SETTINGS = ((2, 1), (2, 2), (2, 16), (2, 64))
SLOW_CLIENTS = 50
CROWD = 64  # keep-alive clients that ask as fast as they are answered, in place of 8
SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Pages:
    """How ordinary reads fared beside something else. Waits are in milliseconds."""

    beside: str
    per_second: float
    share: float
    """Of the rate that the same server reaches when nobody else is there."""
    errors: int
    p95: float
    longest_wait: float


def choose_server(place: Path) -> dict[str, Any]:
    """Every setting, then the checks; prints and gives back both."""
    log, settings = place / "servers.log", {}
    place = place / "servers"
    place.mkdir()
    with empty_database("sqlite", place) as database_url:
        people = fill(database_url)
        print(f"\n{'granian, bare reads':30} per second  share  errors    p95 ms  longest ms")
        for workers, threads in SETTINGS:
            name = f"{workers}x{threads}"
            with serve(FLOOR, database_url, log, workers=workers, threads=threads) as server:
                rows = []
                for row in try_setting(server, people):
                    rows.append(asdict(row))
                    show(name, row)
            settings[name] = rows
        return {"settings": settings, "checks": check(database_url, people, log)}


def try_setting(server: Server, people: People) -> Iterator[Pages]:
    """Reads alone, then beside three kinds of company."""
    read = make_request(f"/read/{people.owner_id}")
    run(server.address, repeat(read), seconds=1)  # warm
    company: dict[str, AbstractContextManager[object]] = {
        "nobody": nullcontext(),
        "a crowd": nullcontext(),
        f"{SLOW_CLIENTS} slow headers": slow_clients(server.address, slow_headers(), SLOW_CLIENTS),
        f"{SLOW_CLIENTS} slow bodies": slow_clients(server.address, slow_body("/write"), SLOW_CLIENTS),
        "one long document": long_documents(server.address),
    }
    alone = 0.0
    for beside, others in company.items():
        connections = CROWD if beside == "a crowd" else 8
        with others:
            load = run(server.address, repeat(read), seconds=SECONDS, connections=connections)
        alone = alone or load.per_second
        share = load.per_second / alone
        yield Pages(beside, load.per_second, share, load.errors, load.p95, load.longest_wait)


def show(name: str, row: Pages) -> None:
    """One line of the table."""
    label = f"{name}, beside {row.beside}"
    print(
        f"  {label:30}{row.per_second:9.0f}{row.share:7.2f}{row.errors:8}{row.p95:10.1f}{row.longest_wait:12.1f}"
    )


@contextmanager
def long_documents(address: Address) -> Iterator[None]:
    """A client that asks for one long document after the other."""
    stop = threading.Event()

    def supply() -> Iterator[bytes]:
        while not stop.is_set():
            yield make_request("/document.pdf")

    thread = threading.Thread(
        target=run, args=(address, supply()), kwargs={"seconds": 4 * SECONDS, "connections": 1}, daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
