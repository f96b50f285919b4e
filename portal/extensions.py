"""The Flask extensions, unbound; `create_app` binds them."""

from collections.abc import Sequence
from typing import Any, TypeVarTuple

from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Row, Select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from portal.database import Base, PortalSession

Columns = TypeVarTuple("Columns")
db = SQLAlchemy(metadata=Base.metadata, session_options={"class_": PortalSession})
migrate = Migrate(render_as_batch=True, compare_type=True)
login = LoginManager()
csrf = CSRFProtect()
INSERTS: dict[str, Any] = {"postgresql": postgres_insert, "sqlite": sqlite_insert}


def fetch_rows(statement: Select[*Columns], values: dict[str, object]) -> Sequence[Row[*Columns]]:
    """Plain rows in the session's own transaction, without the session's machinery for entities.

    For the selects that every page asks: through the session each takes about twice as long.
    """
    return db.session.connection().execute(statement, values).all()


def insert_into(table: Any) -> Any:
    """An insert that can say what is to happen on a conflict, in the words of the database at hand."""
    return INSERTS[db.engine.dialect.name](table)


def release_connection() -> None:
    """End the reading so far, so that no lock is held while an outside service is asked.

    Raises `RuntimeError` when there are changes that this would lose.
    """
    refuse_changes()
    db.session.rollback()


def refuse_changes() -> None:
    """Raises `RuntimeError` when there are changes that the end of the reading would lose."""
    session = db.session
    if session.new or session.dirty or session.deleted or session.info.keys() & {"has_written", "journal"}:
        raise RuntimeError("outside services are asked before the first change, not after it")
