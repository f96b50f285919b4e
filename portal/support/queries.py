"""Selects for staff: across organizations, and everything of one. No secret is selected, and no hash of one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_

from portal.api_keys.queries import list_keys
from portal.audit.queries import entries_page
from portal.audit.wording import Entry, describe
from portal.billing.queries import Known, known_billing
from portal.context import current_settings, metering
from portal.contracts.documents import list_documents
from portal.database import AnyRow
from portal.errors import UnavailableError, or_not_found
from portal.extensions import db
from portal.help_desk.queries import tickets_of
from portal.identity.models import Membership, Organization, SecondFactor, UserSession
from portal.identity.queries import organization_by_id
from portal.invoices.queries import invoices_page
from portal.kit.clock import utcnow
from portal.kit.paging import Page, decode_cursor, decode_time, make_page
from portal.metering.queries import monthly_usage
from portal.notifications.dead_letters import messages_of_organization, notifications_of_organization
from portal.notifications.models import OutboxMessage
from portal.stripe_mirror.models import StripeEvent
from portal.support.models import Recovery
from portal.team.models import Invitation
from portal.team.queries import MEMBER_ROWS

PAGE_SIZE = 30
LISTED = 10
MONTHS = 12
MEMBER_COUNT = (
    select(func.count())
    .where(Membership.organization_id == Organization.id)
    .correlate(Organization)
    .scalar_subquery()
    .label("member_count")
)
ORGANIZATION_ROWS = select(
    Organization.id,
    Organization.name,
    Organization.billing_email,
    Organization.stripe_customer_id,
    Organization.created_at,
    MEMBER_COUNT,
)
LAST_SEEN = (
    select(func.max(UserSession.last_seen_at))
    .where(UserSession.user_id == Membership.user_id)
    .correlate(Membership)
    .scalar_subquery()
    .label("last_seen_at")
)
HAS_SECOND_FACTOR = (
    select(SecondFactor.user_id)
    .where(SecondFactor.user_id == Membership.user_id)
    .correlate(Membership)
    .exists()
    .label("has_second_factor")
)
EVENT_ROWS = select(
    StripeEvent.id,
    StripeEvent.type,
    StripeEvent.status,
    StripeEvent.attempts,
    StripeEvent.created_at,
    StripeEvent.handled_at,
    StripeEvent.next_attempt_at,
    StripeEvent.last_error,
)


@dataclass(frozen=True, slots=True)
class Cursors:
    """Where each list of the page goes on; None is its newest part."""

    people: str | None = None
    invoices: str | None = None
    webhooks: str | None = None
    mails: str | None = None
    notices: str | None = None
    timeline: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """How much was used: in the present calendar month (UTC), and in the last twelve together."""

    unit: str
    this_month: int
    twelve_months: int


@dataclass(frozen=True, slots=True)
class OrganizationFile:
    """Everything staff see of an organization on one page."""

    organization: Organization
    people: Page[AnyRow]
    invitations: Sequence[AnyRow]
    recoveries: Sequence[Recovery]
    billing: Known
    documents: Sequence[AnyRow]
    invoices: Page[AnyRow]
    keys: Sequence[AnyRow]
    usage: Usage | None
    webhooks: Page[AnyRow]
    mails: Page[AnyRow]
    notices: Page[AnyRow]
    tickets: Sequence[AnyRow]
    timeline: Page[Entry]


def organizations_page(after: str | None = None) -> Page[AnyRow]:
    """Every organization by name."""
    statement = ORGANIZATION_ROWS
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(tuple_(Organization.name, Organization.id) > cursor)
    ordered = statement.order_by(Organization.name, Organization.id).limit(PAGE_SIZE + 1)
    return make_page(db.session.execute(ordered).all(), PAGE_SIZE, lambda row: (row.name, row.id))


def organization_file(organization_id: str, cursors: Cursors) -> OrganizationFile:
    """The file of one organization, or `NotFoundError`. Raises `InvalidInputError` for a bad cursor."""
    organization = organization_by_id(organization_id)
    timeline, billing = entries_page(organization.id, cursors.timeline), known_billing(organization)
    return OrganizationFile(
        organization=organization,
        people=people_page(organization.id, cursors.people),
        invitations=unused_invitations(organization.id),
        recoveries=open_recoveries(organization.id),
        billing=billing,
        documents=list_documents(organization.id) if billing.contract else [],
        invoices=invoices_page(organization.id, cursors.invoices),
        keys=list_keys(organization.id),
        usage=usage_of(organization.id),
        webhooks=events_page(organization.stripe_customer_id, cursors.webhooks),
        mails=messages_of_organization(organization.id, cursors.mails),
        notices=notifications_of_organization(organization.id, cursors.notices),
        tickets=tickets_of(organization.id),
        timeline=Page([describe(row) for row in timeline.rows], timeline.next_cursor),
    )


def people_page(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """Members by name, with when any session of theirs was last seen and whether a second factor is on."""
    statement = MEMBER_ROWS.add_columns(LAST_SEEN, HAS_SECOND_FACTOR).where(
        Membership.organization_id == organization_id
    )
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(tuple_(Membership.sort_name, Membership.id) > cursor)
    ordered = statement.order_by(Membership.sort_name, Membership.id).limit(LISTED + 1)
    return make_page(db.session.execute(ordered).all(), LISTED, lambda row: (row.sort_name, row.id))


def unused_invitations(organization_id: str) -> Sequence[AnyRow]:
    """Invitations neither accepted nor taken back, newest first, expired ones too: staff may send those again."""
    statement = (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.role,
            Invitation.invited_by_name,
            Invitation.created_at,
            Invitation.expires_at,
            (Invitation.expires_at <= utcnow()).label("is_expired"),
        )
        .where(
            Invitation.organization_id == organization_id,
            Invitation.accepted_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .order_by(Invitation.created_at.desc(), Invitation.id)
        .limit(LISTED)
    )
    return db.session.execute(statement).all()


def open_recoveries(organization_id: str) -> Sequence[Recovery]:
    """Recoveries of accounts that are asked for or waiting, with their person."""
    statement = (
        select(Recovery)
        .where(Recovery.organization_id == organization_id, Recovery.closed_at.is_(None))
        .options(db.joinedload(Recovery.user))
        .order_by(Recovery.asked_at)
    )
    return db.session.scalars(statement).all()


def get_recovery(organization_id: str, recovery_id: str) -> Recovery:
    """The organization's recovery with its person, or `NotFoundError`."""
    statement = (
        select(Recovery)
        .where(Recovery.organization_id == organization_id, Recovery.id == recovery_id)
        .options(db.joinedload(Recovery.user))
    )
    return or_not_found(db.session.scalar(statement))


def invitation_email(organization_id: str, invitation_id: str) -> str:
    """Whom an invitation of the organization was sent to, or `NotFoundError`."""
    statement = select(Invitation.email).where(
        Invitation.organization_id == organization_id, Invitation.id == invitation_id
    )
    return or_not_found(db.session.scalar(statement))


def event_row(organization_id: str, event_id: str) -> AnyRow:
    """One of Stripe's events about the organization's customer, or `NotFoundError`."""
    statement = EVENT_ROWS.join(
        Organization, Organization.stripe_customer_id == StripeEvent.customer_id
    ).where(Organization.id == organization_id, StripeEvent.id == event_id)
    return or_not_found(db.session.execute(statement).one_or_none())


def message_row(organization_id: str, message_id: int) -> AnyRow:
    """Topic and recipient of one message of the organization's outbox, or `NotFoundError`."""
    statement = select(OutboxMessage.topic, OutboxMessage.recipient).where(
        OutboxMessage.organization_id == organization_id, OutboxMessage.id == message_id
    )
    return or_not_found(db.session.execute(statement).one_or_none())


def usage_of(organization_id: str) -> Usage | None:
    """What was used; None where the metering database does not answer or none is named."""
    settings = current_settings()
    try:
        months = monthly_usage(
            metering(), organization_id, today=utcnow().date(), months=MONTHS, metric=settings.usage_metric
        )
    except UnavailableError:
        return None
    return Usage(settings.usage_unit, months[-1].quantity, sum(month.quantity for month in months))


def events_page(customer_id: str | None, after: str | None = None) -> Page[AnyRow]:
    """Stripe's events about a customer as they were received, newest first; never their content."""
    if customer_id is None:
        return Page([], None)
    statement = EVENT_ROWS.where(StripeEvent.customer_id == customer_id)
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(
            tuple_(StripeEvent.created_at, StripeEvent.id) < (decode_time(cursor[0]), cursor[1])
        )
    ordered = statement.order_by(StripeEvent.created_at.desc(), StripeEvent.id.desc()).limit(LISTED + 1)
    rows = db.session.execute(ordered).all()
    return make_page(rows, LISTED, lambda row: (row.created_at.isoformat(), row.id))
