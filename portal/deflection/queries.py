"""What the report is made from: tickets, the time they are known for, active organizations, visits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.sql.functions import coalesce

from portal.billing.models import Subscription
from portal.contracts.models import Contract
from portal.database import AnyRow
from portal.deflection.models import DeflectionReport, ScreenVisit
from portal.deflection.windows import Span, join
from portal.errors import NotFoundError
from portal.extensions import db
from portal.identity.models import Organization
from portal.inbox.models import AuditStatus, InboxTicket, TicketAudit
from portal.rollout.models import FlagChange

FOLLOW_UP = timedelta(hours=48)
ENDED = "canceled"


def known_time() -> list[Span]:
    """The time whose tickets are stored: that of the audits that stored any."""
    stored = select(InboxTicket.last_audit_id).where(InboxTicket.last_audit_id == TicketAudit.id).exists()
    columns = TicketAudit.since, TicketAudit.until, TicketAudit.summary, TicketAudit.created_at
    audits = select(*columns)
    rows = db.session.execute(audits.where(TicketAudit.status == AuditStatus.DONE, stored)).all()
    spans = (_audited(*row) for row in rows)
    return join(span for span in spans if span)


def _audited(
    since: datetime | None, until: datetime | None, summary: Mapping[str, object] | None, asked_at: datetime
) -> Span | None:
    """From the first ticket to the last where nobody said which time an audit was of.

    What somebody said is taken to be what was exported, up to when the audit was asked for: nobody knew more by then.
    """
    facts = summary or {}
    first, latest = facts.get("first_created_at"), facts.get("last_created_at")
    if first is None or latest is None:
        return None
    read = datetime.fromisoformat(str(first)), datetime.fromisoformat(str(latest)) + timedelta(seconds=1)
    return since or read[0], min(until or read[1], asked_at)


def active_time() -> dict[str, Span]:
    """When each organization was a customer: since it was created, until the last of its subscriptions ended.

    One with a contract, or without any subscription, is active for good.
    """
    never = datetime.max.replace(tzinfo=UTC)
    ended: dict[str, datetime] = {}
    going = set(db.session.scalars(select(Contract.organization_id)))
    columns = (
        Subscription.organization_id,
        Subscription.status,
        Subscription.ends_at,
        Subscription.period_ends_at,
        Subscription.synced_at,
    )
    for key, status, *times in db.session.execute(select(*columns)):
        if status != ENDED:
            going.add(key)
        else:
            ended[key] = max(ended.get(key, min(filter(None, times))), min(filter(None, times)))
    rows = db.session.execute(select(Organization.id, Organization.created_at))
    return {key: (at, never if key in going else ended.get(key, never)) for key, at in rows}


def tickets_of(reasons: Sequence[str]) -> dict[str, list[AnyRow]]:
    """Tickets by reason: `organization_id`, `user_id`, `created_at`, `agent_minutes`. Unclear ones are left out."""
    statement = (
        select(
            InboxTicket.reason,
            InboxTicket.organization_id,
            InboxTicket.user_id,
            InboxTicket.created_at,
            InboxTicket.agent_minutes,
        )
        .where(
            InboxTicket.reason.in_(reasons),
            InboxTicket.is_unclear.is_(False),
            InboxTicket.created_at.is_not(None),
        )
        .order_by(InboxTicket.created_at)
    )
    found = defaultdict[str, list[AnyRow]](list)
    for row in db.session.execute(statement):
        found[row.reason].append(row)
    return found


def visits_of(screen: str, user_ids: Iterable[str]) -> dict[str, list[Span]]:
    """When these people used a screen: the first and the latest time of each day, by user, in order."""
    columns = (ScreenVisit.user_id, ScreenVisit.first_at, ScreenVisit.last_at)
    statement = select(*columns).where(ScreenVisit.screen == screen).order_by(ScreenVisit.first_at)
    wanted, found = set(user_ids), defaultdict[str, list[Span]](list)
    for user_id, first_at, last_at in db.session.execute(statement):
        if user_id in wanted:
            found[user_id].append((first_at, last_at))
    return found


def used_before(visits: Iterable[Span], moment: datetime) -> bool:
    """Whether one of the visits was in the 48 hours before; a day's first and latest times bound its visits."""
    return any(first <= moment and latest >= moment - FOLLOW_UP for first, latest in visits)


def visits_noted_since() -> datetime | None:
    """The first visit of all. Of the time before nobody knows who had opened what."""
    return db.session.execute(select(func.min(ScreenVisit.first_at))).scalar_one()


def latest_change() -> datetime | None:
    """When something that a report is made from was changed last: an audit, a tag by hand, a flag."""
    audit = select(func.max(TicketAudit.finished_at)).where(TicketAudit.status == AuditStatus.DONE)
    pin, flag = select(func.max(InboxTicket.pinned_at)), select(func.max(FlagChange.at))
    row = db.session.execute(
        select(audit.scalar_subquery(), pin.scalar_subquery(), flag.scalar_subquery())
    ).one()
    return max((moment for moment in row if moment), default=None)


def first_ticket_at() -> datetime | None:
    """When the oldest stored ticket that counts was written."""
    oldest = select(func.min(InboxTicket.created_at)).where(InboxTicket.is_unclear.is_(False))
    return db.session.execute(oldest).scalar_one()


def stored_reports() -> Sequence[AnyRow]:
    """`quarter` and `made_at` of each, the latest quarter first."""
    statement = select(DeflectionReport.quarter, DeflectionReport.made_at)
    return db.session.execute(statement.order_by(DeflectionReport.quarter.desc())).all()


def get_report(quarter: str) -> DeflectionReport:
    """The stored report of a quarter. Raises `NotFoundError`."""
    found = db.session.get(DeflectionReport, quarter)
    if found is None:
        raise NotFoundError("There is no report of this quarter.")
    return found


def minute_cost() -> tuple[int, str] | None:
    """What a minute of an agent costs, in minor units, and the currency: as the latest audit says that says it."""
    said = and_(TicketAudit.status == AuditStatus.DONE, TicketAudit.minute_cost_minor.is_not(None))
    latest = coalesce(TicketAudit.finished_at, TicketAudit.created_at).desc()
    statement = select(TicketAudit.minute_cost_minor, TicketAudit.currency).where(said)
    row = db.session.execute(statement.order_by(latest).limit(1)).one_or_none()
    return (row[0], row[1]) if row and row[0] is not None else None
