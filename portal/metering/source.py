"""The product's metering database: read only, never copied, and allowed to be away.

The product owns the table: `usage_events(id, organization_id TEXT, metric TEXT, quantity INTEGER,
occurred_at TEXT or TIMESTAMP in UTC)`, with an index on (organization_id, metric, occurred_at).
"""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, TypeVarTuple
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, Row, Select, create_engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from portal.errors import UnavailableError

CONNECT_TIMEOUT_SECONDS = 2
QUERY_TIMEOUT_SECONDS = 3
PROGRESS_STEPS = 10_000  # SQLite virtual machine steps between two looks at the clock

Columns = TypeVarTuple("Columns")


class MeteringUnavailable(UnavailableError):  # noqa: N818 - a state of the world, said by its name
    """The metering database did not answer, or not in time. Nothing else depends on it."""

    def __init__(self) -> None:
        super().__init__("Usage figures are not available right now. Please try again in a few minutes.")


class MeteringSource:
    """Read access to the metering database at `url` (`sqlite:///` or `postgresql://`; `METERING_URL`).

    Raises ValueError for another kind of address. Nothing is opened before the first question, so a process
    may fork after making one.
    """

    def __init__(self, url: str) -> None:
        refused = ValueError("METERING_URL must be a SQLite file or a Postgres database")
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise refused from error
        match parsed.get_backend_name():
            case "sqlite" if parsed.database not in {None, "", ":memory:"}:
                self._engine = _sqlite_engine(str(parsed.database))
            case "postgresql" | "postgres":  # Heroku says the second
                self._engine = _postgres_engine(parsed)
            case _:
                raise refused

    def rows(self, question: Select[*Columns]) -> Sequence[Row[*Columns]]:
        """All rows of one SELECT. Raises MeteringUnavailable."""
        try:
            with self._engine.connect() as connection:
                return connection.execute(question).all()
        except SQLAlchemyError as error:
            raise MeteringUnavailable from error

    def close(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()


def _sqlite_engine(path: str) -> Engine:
    address = f"file:{quote(path)}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=CONNECT_TIMEOUT_SECONDS, check_same_thread=False
        )
        deadline = time.monotonic() + QUERY_TIMEOUT_SECONDS
        # SQLite has no statement timeout: this stops a query that runs past the deadline.
        connection.set_progress_handler(lambda: time.monotonic() > deadline, PROGRESS_STEPS)
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _postgres_engine(url: URL) -> Engine:
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "tcp_user_timeout": QUERY_TIMEOUT_SECONDS * 1000,
        "options": f"-c statement_timeout={QUERY_TIMEOUT_SECONDS}s -c timezone=UTC",
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args=options,
        pool_size=2,
        max_overflow=2,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        pool_pre_ping=True,
    )
    return engine.execution_options(postgresql_readonly=True)
