"""The inbox goes and comes back with data in it, and a help desk's ticket is there once."""

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from portal.extensions import db
from portal.inbox.models import InboxTicket
from tests.blueprints.things import make_ticket_audit, make_unclear_ticket

TABLES = {"ticket_audits", "ticket_audit_files", "inbox_tickets"}


def test_the_inbox_goes_and_comes_back(app: Flask) -> None:
    with app.app_context():
        make_ticket_audit()
        make_unclear_ticket("1")
        with pytest.raises(IntegrityError):
            make_unclear_ticket("1")
        db.session.remove()
        db.engine.dispose()
        downgrade(revision="0012")
        assert set(inspect(db.engine).get_table_names()) & TABLES == set()
        db.engine.dispose()
        upgrade()
        assert db.session.scalars(select(InboxTicket.id)).all() == []
        make_unclear_ticket("1")
