"""A ticket is opened in a help desk: what the support team sees of its requester, and the note that they saw it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.actor import Actor, ActorKind, Origin
from portal.audit.actions import Action
from portal.audit.queries import entries_page
from portal.audit.service import Change, record
from portal.audit.wording import Entry, describe
from portal.billing.queries import Known, known_billing
from portal.database import AnyRow
from portal.extensions import db, insert_into
from portal.help_desk.models import TicketSeen
from portal.help_desk.tickets import Ticket
from portal.identity.models import Organization, User
from portal.identity.queries import memberships_of_user, organization_by_id
from portal.identity.second_factor import has_second_factor
from portal.invoices.queries import amounts_due, open_invoices
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.permissions import Role

TIMELINE_ROWS = 20
MOST_ORGANIZATIONS = 5
MOST_INVOICES = 10


@dataclass(frozen=True, slots=True)
class OrganizationContext:
    """One organization of the requester. No secrets, and nothing of what staff noted for themselves."""

    organization: Organization
    role: Role
    billing: Known
    invoices: Sequence[AnyRow]
    due: Sequence[Money]
    timeline: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class TicketContext:
    """What is known of a ticket's requester; `user` is None where no account has one of the ticket's addresses.

    `more_organizations` counts those that are left out.
    """

    ticket: Ticket
    user: User | None = None
    has_second_factor: bool = False
    organizations: Sequence[OrganizationContext] = ()
    more_organizations: int = 0


def open_ticket(ticket: Ticket, origin: Origin) -> TicketContext:
    """What to show beside the ticket. Noted in each organization shown; the first time in its audit log, too."""
    user = _requester(ticket.addresses)
    if user is None:
        return TicketContext(ticket)
    memberships = memberships_of_user(user.id)
    shown = memberships[:MOST_ORGANIZATIONS]
    context = TicketContext(
        ticket,
        user,
        has_second_factor(user.id),
        [_organization_context(row.organization_id, row.role) for row in shown],
        len(memberships) - len(shown),
    )
    for organization_id in sorted(row.organization_id for row in shown):
        _note(ticket, user, organization_id, origin)
    return context


def _requester(addresses: Sequence[str]) -> User | None:
    """The account of the first address that has one."""
    wanted = [address.lower() for address in addresses]
    found = {user.email: user for user in db.session.scalars(select(User).where(User.email.in_(wanted)))}
    return next((found[address] for address in wanted if address in found), None)


def _organization_context(organization_id: str, role: Role) -> OrganizationContext:
    organization = organization_by_id(organization_id)
    rows = entries_page(organization_id).rows[:TIMELINE_ROWS]
    return OrganizationContext(
        organization,
        role,
        known_billing(organization),
        open_invoices(organization_id, MOST_INVOICES),
        amounts_due(organization_id),
        [describe(row) for row in rows],
    )


def _note(ticket: Ticket, user: User, organization_id: str, origin: Origin) -> None:
    """In one statement, since a sidebar may ask twice at once and only the first is news."""
    now = utcnow()
    statement = insert_into(TicketSeen).values(
        source=ticket.source,
        ticket_id=ticket.id,
        organization_id=organization_id,
        user_id=user.id,
        first_seen_at=now,
        last_seen_at=now,
        times_shown=1,
    )
    times_shown = db.session.scalar(
        statement.on_conflict_do_update(
            index_elements=["source", "ticket_id", "organization_id"],
            set_={
                "user_id": user.id,
                "last_seen_at": now,
                "times_shown": TicketSeen.times_shown + 1,
            },
        ).returning(TicketSeen.times_shown)
    )
    if times_shown == 1:
        actor = Actor(ActorKind.SYSTEM, None, ticket.source.label, organization_id, origin=origin)
        after = {"requester": user.email, "agent": ticket.agent}
        record(actor, Action.TICKET_OPENED, Change("ticket", ticket.id, ticket.id, None, after))
