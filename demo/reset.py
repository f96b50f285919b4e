"""Emptying the portal's tables."""

from portal.database import Base
from portal.extensions import db


def reset_demo() -> None:
    """Delete every row of every table, children first; commits."""
    for table in reversed(Base.metadata.sorted_tables):
        db.session.execute(table.delete())
    db.session.commit()
