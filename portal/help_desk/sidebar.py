"""What stands in a help desk's sidebar, in words: the same for every product, which then draws it in its own form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from portal import links
from portal.audit.wording import Entry
from portal.billing.queries import Known
from portal.contracts.models import Contract
from portal.database import AnyRow
from portal.gateways.stripe_objects import SubscriptionSnapshot
from portal.help_desk.service import OrganizationContext, TicketContext
from portal.identity.models import User
from portal.kit.money import Money
from portal.kit.words import exact_time, short_date
from portal.permissions import ROLE_LABELS

NOTE = "Only the support team sees this. Do not paste it into a reply."


@dataclass(frozen=True, slots=True)
class Fact:
    """A label of ours and a value that may come from people."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a list; `is_bad` asks for attention."""

    text: str
    detail: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationPart:
    """One organization; `url` is its page for staff."""

    name: str
    url: str
    facts: Sequence[Fact]
    invoices: Sequence[Line]
    timeline: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Sidebar:
    """Everything in it. `advice` is our own text: what to do where something is missing, beside `search_url`."""

    requester: Sequence[Fact]
    organizations: Sequence[OrganizationPart]
    advice: str = ""
    search_url: str = ""
    note: str = NOTE


def sidebar_of(context: TicketContext, now: datetime) -> Sidebar:
    """The sidebar for a ticket that was opened."""
    if context.user is None:
        return _unknown(context.ticket.addresses)
    user, advice = context.user, _advice(context)
    return Sidebar(
        requester=_requester(user, context.has_second_factor),
        organizations=[_organization(part, now) for part in context.organizations],
        advice=advice,
        search_url=links.staff_search(user.email) if advice else "",
    )


def _unknown(addresses: Sequence[str]) -> Sidebar:
    if not addresses:
        advice = "The ticket has no email address to look for. Ask for the one they sign in with."
        return Sidebar([], [], advice, links.staff_search(""))
    advice = "No account has this address. Ask which one they sign in with, or search for their company."
    return Sidebar([Fact("Email", addresses[0])], [], advice, links.staff_search(addresses[0]))


def _requester(user: User, has_second_factor: bool) -> list[Fact]:
    facts = [
        Fact("Name", user.name),
        Fact("Email", user.email),
        Fact("Second factor", "On" if has_second_factor else "Off"),
    ]
    if user.staff_role:
        facts.append(Fact("Staff", user.staff_role.value.capitalize()))
    if user.disabled_at:
        facts.append(Fact("Account", f"Disabled since {short_date(user.disabled_at)}"))
    return facts


def _advice(context: TicketContext) -> str:
    if context.more_organizations:
        return f"Belongs to {context.more_organizations} more. Search for the others by this address."
    if not context.organizations:
        return "Belongs to no organization. An owner or admin of theirs has to invite them."
    return ""


def _organization(part: OrganizationContext, now: datetime) -> OrganizationPart:
    facts = [Fact("Role", ROLE_LABELS[part.role]), *_plan(part.billing)]
    if part.due:
        facts.append(Fact("Open in total", _sum(part.due)))
    return OrganizationPart(
        name=part.organization.name,
        url=links.staff_organization(part.organization.id),
        facts=facts,
        invoices=[_invoice(row, now) for row in part.invoices],
        timeline=[_entry(entry) for entry in part.timeline],
    )


def _plan(billing: Known) -> list[Fact]:
    if billing.subscription:
        return _subscription(billing.subscription)
    if billing.contract:
        return _contract(billing.contract)
    return [Fact("Plan", "None")]


def _subscription(plan: SubscriptionSnapshot) -> list[Fact]:
    facts = [Fact("Plan", f"{plan.plan_name}, {plan.status.replace('_', ' ')}")]
    every = (
        f"a {plan.interval}" if plan.interval_count == 1 else f"every {plan.interval_count} {plan.interval}s"
    )
    if plan.amount_minor is None:
        facts.append(Fact("Price", "By usage"))
    else:
        facts.append(Fact("Price", f"{Money(plan.amount_minor, plan.currency).format()} {every}"))
    if plan.period_ends_at:
        label = "Ends" if plan.cancel_at_period_end else "Renews"
        facts.append(Fact(label, short_date(plan.period_ends_at)))
    return facts


def _contract(contract: Contract) -> list[Fact]:
    return [
        Fact("Plan", f"{contract.plan_name}, by contract"),
        Fact("Price", f"{Money(contract.amount_minor, contract.currency).format()} a year"),
        Fact("Renews", short_date(contract.renews_on)),
        Fact("Account manager", contract.manager_name),
    ]


def _invoice(row: AnyRow, now: datetime) -> Line:
    """Days are those of UTC, as on the invoice."""
    amount = Money(row.due_minor, row.currency).format()
    if row.due_at is None:
        return Line(row.number, f"{amount}, no due day")
    days = (now.astimezone(UTC).date() - row.due_at.astimezone(UTC).date()).days
    if days == 0:
        return Line(row.number, f"{amount}, due today", is_bad=row.due_at < now)
    count = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    return Line(row.number, f"{amount}, {count} late" if days > 0 else f"{amount}, due in {count}", days > 0)


def _entry(entry: Entry) -> Line:
    return Line(f"{entry.actor_name} {entry.sentence}", exact_time(entry.created_at))


def _sum(amounts: Sequence[Money]) -> str:
    """One sum per currency: they do not mix."""
    return " and ".join(amount.format() for amount in amounts)
