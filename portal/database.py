"""The declarative base, the column types, and what each engine is told when a connection and a transaction begin."""

import enum
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from flask_sqlalchemy.session import Session
from sqlalchemy import BigInteger, DateTime, Engine, Enum, MetaData, Row, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, SessionTransaction, mapped_column
from sqlalchemy.types import JSON, TypeDecorator

NAMING_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_MILLISECONDS = 15_000
BRIEF_MILLISECONDS = 100
SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "recursive_triggers = ON",  # else INSERT OR REPLACE slips past DELETE triggers
    f"busy_timeout = {BUSY_MILLISECONDS}",
)
READING_ENGINES: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()


AnyRow = Row[*tuple[Any, ...]]
"""A row of plain values, as lists and pages read them; its columns are those of the select."""
Minor = Annotated[int, mapped_column(BigInteger)]
"""An amount of money in minor units; its currency stands in the same row."""


def enum_values(kind: type[enum.Enum]) -> list[str]:
    """What the database stores of an enum: its values, not its Python names."""
    return [member.value for member in kind]


class Base(DeclarativeBase):
    """Parent of every table. Constraint names are fixed, so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {
        enum.Enum: Enum(
            enum.Enum, native_enum=False, length=16, values_callable=enum_values, validate_strings=True
        )
    }


class UTCDateTime(TypeDecorator[datetime]):
    """A time that is aware and in UTC on both engines. Refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JSONDict(TypeDecorator[dict[str, Any]]):
    """A JSON object; keys sorted, so that equal values are equal text."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(json.dumps(value, sort_keys=True, default=str))


class PortalSession(Session):
    """A session that reads without taking the write lock when `info["reading"]` is set."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        bind = super().get_bind(*args, **kwargs)
        return reading_engine(bind) if isinstance(bind, Engine) and self.info.get("reading") else bind


@event.listens_for(PortalSession, "after_flush")
def note_flush(session: PortalSession, _context: object) -> None:
    """Remember that this transaction has written, for `release_connection`."""
    session.info["has_written"] = True


@event.listens_for(PortalSession, "do_orm_execute")
def note_statement(state: ORMExecuteState) -> None:
    """The same for updates and deletes that are no entities."""
    if not state.is_select:
        state.session.info["has_written"] = True


@event.listens_for(PortalSession, "after_transaction_end")
def forget_writes(session: PortalSession, transaction: SessionTransaction) -> None:
    """The transaction is over, however it ended: also where the rollback itself failed."""
    if transaction.parent is None:
        for name in ("has_written", "journal", "is_half_written"):
            session.info.pop(name, None)


def reading_engine(engine: Engine) -> Engine:
    """The same pool, for requests that change nothing: autocommit on Postgres, a deferred snapshot on SQLite."""
    if engine not in READING_ENGINES:
        options: dict[str, Any] = (
            {"sqlite_begin": "BEGIN"}
            if engine.dialect.name == "sqlite"
            else {"isolation_level": "AUTOCOMMIT"}
        )
        READING_ENGINES[engine] = engine.execution_options(**options)
    return READING_ENGINES[engine]


@contextmanager
def brief_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that gives up soon (`OperationalError`) where another writer holds SQLite's lock."""
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:
            driver.execute(f"PRAGMA busy_timeout = {BRIEF_MILLISECONDS}")
        try:
            with connection.begin():
                yield connection
        finally:
            if is_sqlite:
                driver.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")


@event.listens_for(Engine, "connect")
def prepare_sqlite_connection(connection: Any, _record: object) -> None:
    """Durability and integrity settings for SQLite; leaves other engines alone."""
    if type(connection).__module__ != "sqlite3":
        return
    connection.isolation_level = None  # the driver must not open transactions: `begin_sqlite` does
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def begin_sqlite(connection: Connection) -> None:
    """Take SQLite's write lock at the start of a writing transaction.

    Reading first and upgrading later fails under concurrency, and let two owners demote each other
    (195 of 200 rounds without IMMEDIATE, none with it).
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE"))
