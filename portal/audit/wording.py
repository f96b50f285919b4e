"""The audit log in words that people read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.actor import ActorKind
from portal.audit.actions import Action
from portal.database import AnyRow
from portal.kit.money import Money
from portal.permissions import ROLE_LABELS, Role

SENTENCES: dict[Action, str] = {
    Action.SESSION_STARTED: "signed in",
    Action.SESSION_ENDED: "signed out",
    Action.STAFF_ADDED: "added {entity} to the staff",
    Action.ORGANIZATION_OPENED: "opened the organization",
    Action.PROFILE_NAME_CHANGED: "changed their name",
    Action.MEMBER_ADDED: "joined the team",
    Action.MEMBER_ROLE_CHANGED: "changed the role of {entity}",
    Action.MEMBER_REMOVED: "removed {entity} from the team",
    Action.INVITATION_SENT: "invited {entity}",
    Action.INVITATION_RESENT: "sent the invitation of {entity} again",
    Action.INVITATION_REVOKED: "took back the invitation of {entity}",
    Action.INVITATION_ACCEPTED: "accepted the invitation",
    Action.BILLING_DETAILS_CHANGED: "changed the billing details",
    Action.CARD_PAGE_OPENED: "opened Stripe to change the card",
    Action.CARD_CHANGED: "changed the card on file",
    Action.SUBSCRIPTION_CHANGED: "changed the plan {entity}",
    Action.INVOICE_ISSUED: "issued invoice {entity}",
    Action.INVOICE_CHANGED: "updated invoice {entity}",
    Action.INVOICE_PAYMENT_FAILED: "could not charge the card for invoice {entity}",
    Action.API_KEY_CREATED: "created the API key {entity}",
    Action.API_KEY_REVOKED: "revoked the API key {entity}",
    Action.LOG_CUT: "removed entries older than the retention time",
}

FIELD_LABELS = {
    "name": "Name",
    "billing_email": "Billing email",
    "role": "Role",
    "brand": "Card",
    "last4": "Ends in",
    "expires": "Expires",
    "status": "Status",
    "plan_name": "Plan",
    "seats": "Seats",
    "amount_minor": "Price",
    "currency": "Currency",
    "interval": "Billed by",
    "interval_count": "Billed every",
    "cancel_at_period_end": "Ends at period end",
    "prefix": "Starts with",
    "attempts": "Tries so far",
    "revoked": "Revoked",
    "staff_role": "Staff role",
}


def sentence(action: str, entity_name: str) -> str:
    """What happened, to be read after the actor's name; an action of a newer version is shown as it is."""
    try:
        return SENTENCES[Action(action)].format(entity=entity_name)
    except ValueError:
        return action


def field_changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """(label, before, after) of each field that differs, as text; an absent value is an empty text."""
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [
        (FIELD_LABELS.get(name, name), _show(name, old), _show(name, new))
        for name in names
        if old.get(name) != new.get(name)
    ]


def _show(name: str, values: dict[str, Any]) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if name == "amount_minor" and "currency" in values:
        return Money(value, values["currency"]).format()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "brand":
        return str(value).replace("_", " ").title()
    if name == "role" and value in set(Role):
        return ROLE_LABELS[Role(value)]
    return str(value)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log as a page shows it."""

    actor_name: str
    actor_kind: ActorKind
    sentence: str
    changes: list[tuple[str, str, str]]
    address: str | None
    created_at: datetime


def describe(row: AnyRow) -> Entry:
    """A row of `portal.audit.queries` in words."""
    return Entry(
        actor_name=row.actor_name,
        actor_kind=row.actor_kind,
        sentence=sentence(row.action, row.entity_name),
        changes=field_changes(row.before, row.after),
        address=row.address,
        created_at=row.created_at,
    )
