"""Emptying the portal's tables."""

from flask_migrate import downgrade, upgrade

from portal.extensions import db


def reset_demo() -> None:
    """Take every table away and make them anew: rows of the audit log cannot be deleted."""
    db.session.remove()
    downgrade(revision="base")
    upgrade()
