"""A long audit log: a third of it in one organization, the rest in many. Its last pages, and checking it whole."""

import time
from dataclasses import dataclass

from sqlalchemy import select

from bench.rig import BenchError
from bench.writes import COMPANIES, company_id
from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.chain import audit_keys
from portal.audit.models import AuditEntry
from portal.audit.queries import PAGE_SIZE
from portal.audit.service import Change, record
from portal.audit.verify import snapshot, verify_log
from portal.context import current_settings
from portal.extensions import db
from portal.kit.paging import encode_cursor

ROWS = 100_000
SHARE = 3
DEEP_PAGE = 1_000
MOST_CHECK_SECONDS = 10.0
ROWS_A_COMMIT = 500


@dataclass(frozen=True, slots=True)
class LogCheck:
    """How long it took to check so many rows."""

    rows: int
    seconds: float

    @property
    def reaches_goal(self) -> bool:
        """Whether as many rows as the goal speaks of were checked in its time."""
        return self.seconds * ROWS <= MOST_CHECK_SECONDS * self.rows


def write_log(actor: Actor) -> str:
    """Write the rows, one of `SHARE` in the actor's organization; the cursor of its deep page. Commits."""
    for number in range(ROWS):
        who = actor if number % SHARE == 0 else actor.within(company_id(number % COMPANIES))
        change = Change(
            "api-key", f"key_{number}", f"Key {number}", {"name": "old"}, {"name": f"Key {number}"}
        )
        record(who, Action.API_KEY_CREATED, change)
        if number % ROWS_A_COMMIT == ROWS_A_COMMIT - 1:
            db.session.commit()
    db.session.commit()
    return _cursor_of_deep_page(actor.organization)


def _cursor_of_deep_page(organization_id: str) -> str:
    newest_first = (AuditEntry.created_at.desc(), AuditEntry.id.desc())
    last_before = (
        select(AuditEntry.created_at, AuditEntry.id)
        .where(AuditEntry.organization_id == organization_id)
        .order_by(*newest_first)
        .offset((DEEP_PAGE - 1) * PAGE_SIZE - 1)
        .limit(1)
    )
    made, number = db.session.execute(last_before).one()
    return encode_cursor((made.isoformat(), number))


def check_log() -> LogCheck:
    """Check every row, as `flask audit-log verify` does. Raises `BenchError` when something does not hold."""
    started = time.perf_counter()
    with snapshot(db.engine) as connection:
        report = verify_log(connection, audit_keys(current_settings()))
    took = time.perf_counter() - started
    if report.findings:
        raise BenchError(f"the audit log does not hold: {report.findings[0]}")
    return LogCheck(report.rows, took)
