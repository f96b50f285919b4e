"""Selects for staff: across organizations, and everything of one."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select, tuple_

from portal.api_keys.queries import list_keys
from portal.audit.queries import entries_page
from portal.audit.wording import Entry, describe
from portal.billing.queries import Known, known_billing
from portal.database import AnyRow
from portal.extensions import db
from portal.identity.models import Membership, Organization
from portal.identity.queries import organization_by_id
from portal.invoices.queries import invoices_page
from portal.kit.paging import Page, decode_cursor, make_page
from portal.team.queries import members_page, open_invitations

PAGE_SIZE = 30
MEMBER_COUNT = (
    select(func.count())
    .where(Membership.organization_id == Organization.id)
    .correlate(Organization)
    .scalar_subquery()
    .label("member_count")
)


@dataclass(frozen=True, slots=True)
class OrganizationFile:
    """Everything staff see of an organization on one page; no secrets."""

    organization: Organization
    members: Page[AnyRow]
    invitations: Any
    billing: Known
    invoices: Page[AnyRow]
    keys: Any
    timeline: list[Entry]
    timeline_next: str | None


def organizations_page(search: str = "", after: str | None = None) -> Page[AnyRow]:
    """Organizations by name; `search` looks in names, billing mails and Stripe ids."""
    statement = select(
        Organization.id,
        Organization.name,
        Organization.billing_email,
        Organization.stripe_customer_id,
        Organization.created_at,
        MEMBER_COUNT,
    )
    if search:
        statement = statement.where(
            or_(
                func.lower(Organization.name).contains(search.lower(), autoescape=True),
                Organization.billing_email.contains(search.lower(), autoescape=True),
                Organization.stripe_customer_id == search,
                Organization.id == search,
            )
        )
    if cursor := decode_cursor(after, (str, str)):
        statement = statement.where(tuple_(Organization.name, Organization.id) > cursor)
    ordered = statement.order_by(Organization.name, Organization.id).limit(PAGE_SIZE + 1)
    return make_page(db.session.execute(ordered).all(), PAGE_SIZE, lambda row: (row.name, row.id))


def organization_file(
    organization_id: str, *, members_after: str | None, timeline_after: str | None
) -> OrganizationFile:
    """The file of one organization, or `NotFoundError`."""
    organization = organization_by_id(organization_id)
    timeline = entries_page(organization.id, timeline_after)
    return OrganizationFile(
        organization=organization,
        members=members_page(organization.id, after=members_after),
        invitations=open_invitations(organization.id),
        billing=known_billing(organization),
        invoices=invoices_page(organization.id),
        keys=list_keys(organization.id),
        timeline=[describe(row) for row in timeline.rows],
        timeline_next=timeline.next_cursor,
    )
