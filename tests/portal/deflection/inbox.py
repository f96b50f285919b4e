"""A small inbox whose tickets, openings and audits are written straight to the tables."""

from datetime import UTC, datetime, timedelta
from itertools import count

from portal.extensions import db
from portal.identity.models import Organization
from portal.inbox.models import AuditStatus, InboxTicket, TicketAudit
from portal.rollout.models import FlagChange

DAY = timedelta(days=1)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
OPENED, NOW = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 10, 5, tzinfo=UTC)
NUMBERS = count()


def make_customers(number: int) -> list[str]:
    """Organizations, long there."""
    made = [
        Organization(name=f"Customer {each}", billing_email="a@b.example", created_at=LONG_AGO)
        for each in range(number)
    ]
    db.session.add_all(made)
    db.session.flush()
    return [each.id for each in made]


def roll_out(screen: str, *steps: tuple[datetime, int]) -> None:
    """Closed to all from the beginning, then open to a percentage from each time on."""
    for at, percent in ((LONG_AGO - DAY, 0), *steps):
        db.session.add(FlagChange(screen=screen, percent=percent, why="a test", actor_name="A test", at=at))
    db.session.flush()


def audit(
    since: datetime,
    until: datetime,
    *,
    minute_cost_minor: int | None = None,
    wanted_until: datetime | None = None,
    asked_at: datetime | None = None,
) -> str:
    """One that is done, from the first to the last of its tickets, asked for a day after that unless said."""
    row = TicketAudit(
        name="export.csv",
        status=AuditStatus.DONE,
        file_names="export.csv",
        until=wanted_until,
        created_at=asked_at or until + DAY,
        minute_cost_minor=minute_cost_minor,
        currency="eur",
        tagger="default",
        summary={"first_created_at": since.isoformat(), "last_created_at": until.isoformat()},
        created_by="A test",
        finished_at=until,
    )
    db.session.add(row)
    db.session.flush()
    return row.id


def ticket(
    organization_id: str | None,
    at: datetime,
    audit_id: str,
    *,
    reason: str = "invoice_download",
    user_id: str | None = None,
    minutes: float | None = 10,
    is_unclear: bool = False,
) -> None:
    """One ticket."""
    db.session.add(
        InboxTicket(
            source="csv",
            external_id=str(next(NUMBERS)),
            created_at=at,
            agent_minutes=minutes,
            reason=reason,
            confidence=0.9,
            is_unclear=is_unclear,
            tagger_version="1",
            text_hash="0" * 64,
            why="",
            language="en",
            user_id=user_id,
            organization_id=organization_id,
            subject="",
            excerpt="",
            last_audit_id=audit_id,
        )
    )
