"""A real Postgres for the tests: one server for a whole test run, databases on demand.

The first process of the run that asks for it (`start_postgres`) starts it; xdist workers share it. It belongs
to a keeper process that ends it, and removes its files, as soon as the test run is gone, however that ended:
the controller holds a pipe open, and the keeper waits for its end.

Loaded as a pytest plugin by tests/conftest.py.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

RUN_DIR = "PORTAL_TEST_RUN_DIR"
START_SECONDS = 60
STOP_SECONDS = 20


class PostgresError(RuntimeError):
    """The server did not start; the message carries what it said."""


def start_postgres(*, durable: bool = False) -> str:
    """The address of the administration database, in SQLAlchemy's form; starts the server if nobody has.

    A `durable` one waits for its disk, as one in service does. Only inside a `one_run()`, which pytest has always.
    Raises `PostgresError`.
    """
    run_dir = Path(os.environ[RUN_DIR])
    with suppress(FileExistsError):
        (run_dir / "asked-for").touch(exist_ok=False)
        _start_keeper(run_dir, ["durable"] if durable else [])
    deadline = time.monotonic() + START_SECONDS
    while not (run_dir / "url").exists():
        if (run_dir / "failed").exists() or time.monotonic() > deadline:
            raise PostgresError((run_dir / "keeper.log").read_text(errors="replace")[-4000:])
        time.sleep(0.02)
    return (run_dir / "url").read_text()


def _start_keeper(run_dir: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "tests.support.postgres_keeper", str(run_dir), *options]
    with (run_dir / "keeper.log").open("wb") as log:
        try:
            subprocess.Popen(
                command,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        except OSError:
            (run_dir / "failed").touch()
            raise


def create_database(admin_url: str, name: str, template: str | None = None) -> str:
    """The address of a new database, a copy of `template` if given (which nobody may be connected to)."""
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    _administer(admin_url, statement)
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))


def drop_database(admin_url: str, name: str) -> None:
    """Ends the connections to a database and removes it; one that does not exist is fine."""
    _administer(admin_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(admin_url: str, statement: sql.Composed) -> None:
    parts = urlsplit(admin_url)
    folder = parse_qs(parts.query)["host"][0]
    with psycopg.connect(
        host=folder, user=parts.username, dbname=parts.path[1:], autocommit=True, connect_timeout=10
    ) as connection:
        connection.execute(statement)


@contextmanager
def one_run() -> Iterator[None]:
    """What a server belongs to. Leaving it ends the server, if one was started, and waits for that."""
    run_dir = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    run_dir.chmod(0o711)  # the server runs as another user when the tests run as root
    os.mkfifo(run_dir / "alive")
    alive = os.open(run_dir / "alive", os.O_RDWR)
    os.environ[RUN_DIR] = str(run_dir)
    try:
        yield
    finally:
        os.environ.pop(RUN_DIR, None)
        os.close(alive)
        _wait_for_keeper(run_dir)


def _wait_for_keeper(run_dir: Path) -> None:
    """The keeper removes the folder as its last act; without a keeper there is only the folder."""
    deadline = time.monotonic() + STOP_SECONDS
    while (run_dir / "asked-for").exists() and not (run_dir / "failed").exists():
        if time.monotonic() > deadline:
            raise PostgresError(f"Postgres did not stop; its files are in {run_dir}")
        time.sleep(0.02)
    shutil.rmtree(run_dir, ignore_errors=True)


def pytest_configure(config: pytest.Config) -> None:
    """Only the controller owns the run; workers inherit its folder through the environment."""
    if hasattr(config, "workerinput"):
        return
    scope = ExitStack()
    scope.enter_context(one_run())
    config.add_cleanup(scope.close)


@pytest.fixture(scope="session")
def postgres_admin_url() -> str:
    """The administration database of the run's Postgres."""
    return start_postgres()


@pytest.fixture
def postgres_url(postgres_admin_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, empty Postgres database for one test."""
    name = f"test_{os.urandom(6).hex()}"
    yield create_database(postgres_admin_url, name)
    drop_database(postgres_admin_url, name)
