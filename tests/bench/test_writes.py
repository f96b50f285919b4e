"""The two sides of the audited write differ in the audit row and the event, and in nothing else."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bench.log import MOST_CHECK_SECONDS, ROWS, LogCheck
from bench.writes import BEFORE, add_companies, add_writes, company_id
from portal.audit.models import AuditEntry
from portal.extensions import db
from portal.identity.models import Organization
from portal.notifications.models import OutboxMessage


@pytest.fixture
def client(database_url: str) -> Iterator[FlaskClient]:
    app = Flask("floor")
    add_writes(app, database_url)
    with app.app_context():
        add_companies()
        db.session.commit()
        db.session.remove()
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(("view", "told"), [("bare", 0), ("update", 0), ("audited", 1)])
def test_each_side_changes_the_row_and_only_one_tells_of_it(
    client: FlaskClient, view: str, told: int
) -> None:
    company = company_id(1)
    assert client.post(f"/{view}/{company}").status_code == 204
    with client.application.app_context():
        assert db.session.get_one(Organization, company).billing_email != BEFORE
        assert db.session.get_one(Organization, company_id(2)).billing_email == BEFORE
        for table in (AuditEntry, OutboxMessage):
            assert db.session.scalar(select(func.count()).select_from(table)) == told


@pytest.mark.parametrize(
    ("rows", "seconds", "reached"),
    [(ROWS, MOST_CHECK_SECONDS, True), (ROWS, 10.1, False), (2 * ROWS, 19.0, True), (ROWS // 2, 6.0, False)],
)
def test_the_check_of_the_log_is_held_to_rows_and_seconds(rows: int, seconds: float, reached: bool) -> None:
    assert LogCheck(rows, seconds).reaches_goal is reached
