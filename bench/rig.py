"""What a measurement stands on: databases with the same people on both engines, and the web server of the Procfile."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Address
from portal.config import ROOT, VAR
from tests.support.postgres import create_database, drop_database, one_run, start_postgres
from tests.support.processes import Process, free_port

ENGINES = ("postgres", "sqlite")
PORTAL = "wsgi:create_app"
FLOOR = "bench.floor:create_floor"
SECRET = "whsec_bench_secret_of_both_sides"
ENVIRONMENT = {
    "SECRET_KEY": "bench-secret-key-that-is-long-enough-0123456789",
    "PUBLIC_APP_URL": "http://localhost",
    "STRIPE_SECRET_KEY": "sk_test_bench",
    "STRIPE_WEBHOOK_SECRETS": SECRET,
    "FLOOR_SECRET": SECRET,
}


class BenchError(RuntimeError):
    """Something that was to be measured did not work; the message says what."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running web server."""

    process: Process
    address: Address

    @property
    def workers(self) -> set[int]:
        """The process ids of its workers, which are its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    @property
    def peak_memory(self) -> int:
        """The sum of what each worker has held at most, in bytes."""
        return sum(_peak(pid) for pid in self.workers)

    @property
    def cpu_seconds(self) -> float:
        """What it and its workers have computed so far, in the kernel's ticks of a hundredth of a second or so."""
        return cpu_seconds(self.process.pid, *self.workers)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one run, on the disk that the embedded database has."""
    VAR.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=VAR) as path:
        yield Path(path)


@contextmanager
def empty_database(engine: str, place: Path) -> Iterator[str]:
    """The address of a new database: a file in `place`, or a Postgres of its own. Both wait for their disk."""
    if engine == "sqlite":
        yield f"sqlite:///{place / 'bench.sqlite'}"
        return
    with one_run():
        admin_url = start_postgres(durable=True)
        yield create_database(admin_url, "bench")
        drop_database(admin_url, "bench")


@contextmanager
def serve(
    target: str, database_url: str, log: Path, *, workers: int | None = None, threads: int | None = None
) -> Iterator[Server]:
    """The Procfile's web server on `target`, with its flags but for those given here."""
    port = free_port()
    env = {
        **ENVIRONMENT,
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = ["bash", "-c", f"exec {web_command(target, workers, threads)}"]
    with Process(command, log=log, env=env) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/nothing-here", status=404)
        yield Server(process, ("127.0.0.1", port))


def cpu_seconds(*pids: int) -> float:
    """What these processes have computed so far."""
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """The most memory that a process has held so far, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _ticks(pid: int) -> int:
    """User and system time of a process: the 14th and 15th field of its line (proc(5)), counted after its name."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def web_command(target: str, workers: int | None, threads: int | None) -> str:
    """The Procfile's line for the web process, with another target and other numbers."""
    line = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:"))
    command = line.removeprefix("web:").strip().replace(PORTAL, target)
    for flag, number in (("workers", workers), ("blocking-threads", threads)):
        if number is not None:
            command = re.sub(rf"--{flag} \d+", f"--{flag} {number}", command)
    return command
