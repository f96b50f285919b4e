"""Finding an organization by whatever a customer or Stripe names: names, addresses, ids, numbers, the start of a key.

What is exact is asked from an index. Parts of names and addresses are looked for in all of them, so each such
question is bounded, and people are only searched from three letters on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, or_, select

from portal.api_keys.models import ApiKey
from portal.api_keys.service import KIND, SHOWN_LENGTH
from portal.billing.models import Subscription
from portal.database import AnyRow
from portal.extensions import db
from portal.identity.models import Membership, Organization, User
from portal.invoices.models import Invoice
from portal.kit.clock import utcnow
from portal.kit.text import sort_key
from portal.stripe_mirror.models import StripeEvent
from portal.support.queries import ORGANIZATION_ROWS
from portal.team.models import Invitation

MOST = 30
SHORTEST_FOR_PEOPLE = 3
Question = tuple[str, Select[*tuple[Any, ...]]]
"""What to say of a hit, and a select of organization id and the value that matched."""


@dataclass(frozen=True, slots=True)
class Found:
    """Organizations, each with why it is here; `is_cut` where there would be more than `MOST`."""

    rows: list[AnyRow] = field(default_factory=list)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    is_cut: bool = False


def shown_search(text: str) -> str:
    """What may be kept and shown of a search: somebody may paste a whole key, of which only the start is needed."""
    text = text.strip()
    return text[:SHOWN_LENGTH] if text.startswith(f"{KIND}_") else text


def find_organizations(text: str) -> Found:
    """Organizations that `text` names, exact ids and numbers first."""
    reasons: dict[str, list[str]] = {}
    is_cut = False
    for wording, statement in _questions(shown_search(text)):
        matches = db.session.execute(statement.limit(MOST + 1)).all()
        is_cut = is_cut or len(matches) > MOST
        for organization_id, value in matches:
            reasons.setdefault(organization_id, []).append(wording.format(value))
    wanted = list(reasons)[:MOST]
    if not wanted:
        return Found()
    rows = db.session.execute(ORGANIZATION_ROWS.where(Organization.id.in_(wanted))).all()
    ordered = sorted(rows, key=lambda row: wanted.index(row.id))
    return Found(list(ordered), reasons, is_cut or len(reasons) > MOST)


def _questions(text: str) -> Iterator[Question]:
    kind, underscore, _ = text.partition("_")
    if underscore and kind in EXACT:
        yield EXACT[kind](text)
        return
    yield (
        "Invoice {}",
        select(Invoice.organization_id, Invoice.number).where(Invoice.number.in_({text, text.upper()})),
    )
    yield _by_name(text)
    yield _by_billing_email(text)
    if len(text) >= SHORTEST_FOR_PEOPLE:
        yield _by_member(text)
        yield _by_invitation(text)


def _by_name(text: str) -> Question:
    matches = func.lower(Organization.name).contains(text.lower(), autoescape=True)
    return "Name {}", select(Organization.id, Organization.name).where(matches).order_by(Organization.name)


def _by_billing_email(text: str) -> Question:
    matches = Organization.billing_email.contains(text.lower(), autoescape=True)
    return (
        "Billing email {}",
        select(Organization.id, Organization.billing_email).where(matches).order_by(Organization.name),
    )


def _by_member(text: str) -> Question:
    matches = or_(
        Membership.sort_name.contains(sort_key(text), autoescape=True),
        User.email.contains(text.lower(), autoescape=True),
    )
    statement = select(Membership.organization_id, User.email).join(User, User.id == Membership.user_id)
    return "Member {}", statement.where(matches).order_by(User.email, Membership.id)


def _by_invitation(text: str) -> Question:
    statement = select(Invitation.organization_id, Invitation.email).where(
        Invitation.email == text.lower(),
        Invitation.accepted_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > utcnow(),
    )
    return "Invited {}", statement


EXACT: dict[str, Callable[[str], Question]] = {
    "org": lambda text: (
        "Organization id {}",
        select(Organization.id, Organization.id).where(Organization.id == text),
    ),
    "cus": lambda text: (
        "Stripe customer {}",
        select(Organization.id, Organization.stripe_customer_id).where(
            Organization.stripe_customer_id == text
        ),
    ),
    "sub": lambda text: (
        "Subscription {}",
        select(Subscription.organization_id, Subscription.stripe_id).where(Subscription.stripe_id == text),
    ),
    "in": lambda text: (
        "Stripe invoice {}",
        select(Invoice.organization_id, Invoice.stripe_id).where(Invoice.stripe_id == text),
    ),
    "evt": lambda text: (
        "Stripe event {}",
        select(Organization.id, StripeEvent.id)
        .join(StripeEvent, StripeEvent.customer_id == Organization.stripe_customer_id)
        .where(StripeEvent.id == text),
    ),
    KIND: lambda text: (
        "Key {}…",
        select(ApiKey.organization_id, ApiKey.prefix).where(
            ApiKey.prefix == text
            if len(text) == SHOWN_LENGTH
            else ApiKey.prefix.startswith(text, autoescape=True)
        ),
    ),
}
