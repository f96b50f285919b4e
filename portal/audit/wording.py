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
    Action.IDENTITY_PROVED: "confirmed who they are",
    Action.SESSIONS_ENDED: "signed other devices out",
    Action.DEVICE_ADDED: "signed in on a new device",
    Action.PASSWORD_CHANGED: "changed their password",
    Action.SECOND_FACTOR_ON: "set up a second factor",
    Action.SECOND_FACTOR_OFF: "switched the second factor off",
    Action.SECOND_FACTOR_REMOVED: "removed the second factor of {entity}",
    Action.RECOVERY_CODES_MADE: "made new recovery codes",
    Action.RECOVERY_CODES_KEPT: "confirmed that the recovery codes are kept",
    Action.RECOVERY_CODE_USED: "used a recovery code",
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
    Action.TICKET_OPENED: "showed the support team this organization beside ticket {entity}",
    Action.STAFF_VIEW_STARTED: "started to view {entity} as its owner sees it, read-only",
    Action.STAFF_VIEW_ENDED: "ended the read-only view of {entity}",
    Action.STAFF_SESSIONS_ENDED: "signed {entity} out on every device",
    Action.INVOICE_MARKED_PAID: "recorded the payment of invoice {entity}",
    Action.STRIPE_EVENT_REPLAYED: "had the Stripe event {entity} handled again",
    Action.RECOVERY_ASKED: "asked to remove the second factor of {entity}",
    Action.RECOVERY_APPROVED: "approved to remove the second factor of {entity}",
    Action.RECOVERY_CANCELLED: "stopped the removal of the second factor of {entity}",
    Action.RECOVERY_FINISHED: "removed the second factor of {entity}",
    Action.NOTIFICATIONS_CHOSEN: "changed what {entity} is told of",
    Action.SLACK_CHOSEN: "changed what is told in {entity}",
    Action.MESSAGE_RESENT: "had the message to {entity} sent again",
    Action.LOG_EXPORTED: "downloaded the activity as {entity}",
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
    "minutes": "Minutes",
    "sessions": "Devices",
    "paid": "Paid",
    "viewed_by": "Viewed by",
    "paid_on": "Paid on",
    "waits_until": "Waits until",
    "requester": "Requester",
    "rows": "Entries",
    "first_position": "From position",
    "last_position": "To position",
    "cut_before": "Older than",
    "chosen": "Chosen",
    "agent": "Agent",
    "device": "Device",
    "codes_left": "Recovery codes left",
    "sessions_ended": "Devices signed out",
}

UNSHOWN_FIELDS = {"last_hash", "signed_with", "signature"}
"""For checking, not for reading; exports have them."""
KIND_BADGES = {
    ActorKind.STAFF: "Staff",
    ActorKind.KEY: "API key",
    ActorKind.SYSTEM: "Automatic",
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
        if old.get(name) != new.get(name) and name not in UNSHOWN_FIELDS
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

    actor_id: str | None
    actor_name: str
    actor_kind: ActorKind
    organization_id: str | None
    sentence: str
    changes: list[tuple[str, str, str]]
    reason: str | None
    address: str | None
    created_at: datetime

    @property
    def badge(self) -> str | None:
        """What stands beside a name that does not say by itself what acts; None for people of the team."""
        return KIND_BADGES.get(self.actor_kind)


def describe(row: AnyRow, *, for_customer: bool = False) -> Entry:
    """A row of `portal.audit.queries` in words. Customers do not learn where somebody of the staff was."""
    is_hidden = for_customer and row.actor_kind is ActorKind.STAFF
    return Entry(
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        actor_kind=row.actor_kind,
        organization_id=row.organization_id,
        sentence=sentence(row.action, row.entity_name),
        changes=field_changes(row.before, row.after),
        reason=row.reason,
        address=None if is_hidden else row.address,
        created_at=row.created_at,
    )
