"""How Alembic reaches the application's database and tables. Run through `flask db ...`."""

from alembic import context
from flask import current_app
from sqlalchemy import Enum

from portal.database import JSONDict, UTCDateTime
from portal.extensions import db
from portal.models import DROPPED_NEXT

UPGRADE_TIMEOUT = "30s"


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as plain ones: a migration must not change when the code does."""
    if kind == "type":
        if isinstance(item, UTCDateTime):
            return "sa.DateTime(timezone=True)"
        if isinstance(item, JSONDict):
            return "sa.JSON()"
        if isinstance(item, Enum):
            return f"sa.String(length={item.length})"
    return False


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    """Leave tables alone that wait to be dropped."""
    return kind != "table" or name not in DROPPED_NEXT


def run_migrations() -> None:
    """Run in one transaction on the application's own engine."""
    arguments = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite:
            # Batch mode copies tables; with foreign keys on, dropping the old copy would delete or refuse its children.
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            include_name=include_name,
            transaction_per_migration=True,
            **arguments,
        )
        with context.begin_transaction():
            if not is_sqlite:
                connection.exec_driver_sql(f"SET lock_timeout = '{UPGRADE_TIMEOUT}'")
            context.run_migrations()
        if is_sqlite:
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = ON")


if context.is_offline_mode():
    raise SystemExit("migrations run against a database; offline SQL is not offered")
run_migrations()
