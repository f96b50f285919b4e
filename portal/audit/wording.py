"""The audit log in words that people read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.actor import ActorKind
from portal.audit.actions import Action
from portal.company.addresses import country_name
from portal.company.models import TaxIdStatus
from portal.company.tax_id_types import kind_name
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
    Action.CUSTOMER_CLASS_CHANGED: "changed the customer class of {entity}",
    Action.PROFILE_NAME_CHANGED: "changed their name",
    Action.MEMBER_ADDED: "joined the team",
    Action.MEMBER_ROLE_CHANGED: "changed the role of {entity}",
    Action.MEMBER_REMOVED: "removed {entity} from the team",
    Action.INVITATION_SENT: "invited {entity}",
    Action.INVITATION_RESENT: "sent the invitation of {entity} again",
    Action.INVITATION_REVOKED: "took back the invitation of {entity}",
    Action.INVITATION_ACCEPTED: "accepted the invitation",
    Action.BILLING_DETAILS_CHANGED: "changed the billing details",
    Action.TAX_ID_ADDED: "added the tax ID {entity}",
    Action.TAX_ID_REMOVED: "removed the tax ID {entity}",
    Action.TAX_ID_LOOKUP_ASKED: "had the tax ID {entity} looked up again",
    Action.TAX_ID_LOOKED_UP: "looked up the tax ID {entity}",
    Action.CARD_PAGE_OPENED: "opened Stripe to change the card",
    Action.CARD_CHANGED: "changed the card on file",
    Action.BILLING_HOME_OPENED: "opened the billing pages at Stripe",
    Action.CANCEL_PAGE_OPENED: "opened Stripe to cancel the plan {entity}",
    Action.SWITCH_PAGE_OPENED: "opened Stripe to change the plan {entity}",
    Action.PLAN_KEPT: "kept the plan {entity}, which was to end",
    Action.HELD_CHANGE_RELEASED: "took back the planned change of the plan {entity}",
    Action.SUBSCRIPTION_CHANGED: "changed the plan {entity}",
    Action.INVOICE_ISSUED: "issued invoice {entity}",
    Action.INVOICE_CHANGED: "updated invoice {entity}",
    Action.INVOICE_PAYMENT_FAILED: "could not charge the card for invoice {entity}",
    Action.CREDIT_NOTE_CHANGED: "issued or updated credit note {entity}",
    Action.API_KEY_CREATED: "created the API key {entity}",
    Action.API_KEY_REVOKED: "revoked the API key {entity}",
    Action.TICKET_OPENED: "showed the support team this organization beside ticket {entity}",
    Action.STAFF_VIEW_STARTED: "started to view {entity} as its owner sees it, read-only",
    Action.STAFF_VIEW_ENDED: "ended the read-only view of {entity}",
    Action.STAFF_SESSIONS_ENDED: "signed {entity} out on every device",
    Action.INVOICE_MARKED_PAID: "recorded the payment of invoice {entity}",
    Action.CONTRACT_DOCUMENT_ADDED: "added the contract document {entity}",
    Action.CONTRACT_DOCUMENT_REMOVED: "removed the contract document {entity}",
    Action.PORTAL_CONFIGURED: "set up Stripe's pages for customers of the class {entity}",
    Action.PORTAL_DRIFTED: "found Stripe's pages changed for customers of the class {entity}",
    Action.STRIPE_EVENT_REPLAYED: "had the Stripe event {entity} handled again",
    Action.STRIPE_EVENTS_REPLAYED: "had Stripe events handled again: {entity}",
    Action.RECONCILIATION_ASKED: "had Stripe compared with what the portal keeps",
    Action.TICKET_AUDIT_ASKED: "had support tickets audited: {entity}",
    Action.TICKET_REASON_PINNED: "settled the reason of the ticket {entity}",
    Action.TICKET_REASON_UNPINNED: "left the reason of the ticket {entity} to the tagger",
    Action.SCREEN_PERCENT_CHANGED: "changed how many organizations the screen {entity} is open to",
    Action.SCREEN_SET_FOR_ORGANIZATION: "changed whether the screen {entity} is open",
    Action.NUDGE_SENT: "told {entity} of a screen that does what they wrote to support about",
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
    "customer_class": "Customer class",
    "billing_email": "Billing email",
    "line1": "Street and number",
    "line2": "Building, floor or unit",
    "city": "City",
    "state": "State or region",
    "postal_code": "Postal code",
    "country": "Country",
    "purchase_order": "PO number",
    "recipients": "Further recipients",
    "tax_id_type": "Kind",
    "value": "Number",
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
    "held_plan_name": "Next plan",
    "held_seats": "Seats of the next plan",
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
    "bytes": "Bytes",
    "sha256": "SHA-256",
    "files": "Files",
    "tagger": "Tagger",
    "reason": "Reason",
    "unclear": "Unclear",
    "percent": "Percent",
    "open": "Open",
}

OWN_LABELS = {("organization", "name"): "Legal name"}
"""(what was changed, field): where a field is called otherwise than elsewhere."""
TAX_ID_STATUSES = {
    TaxIdStatus.UNCHECKED: "Not looked up",
    TaxIdStatus.PENDING: "Being looked up",
    TaxIdStatus.VALID: "Valid",
    TaxIdStatus.INVALID: "Not valid",
    TaxIdStatus.REFUSED: "Not on invoices",
}
"""As beside the number on the billing page."""
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


def field_changes(
    before: dict[str, Any] | None, after: dict[str, Any] | None, entity: str = ""
) -> list[tuple[str, str, str]]:
    """(label, before, after) of each field that differs, as text; an absent value is an empty text.

    `entity` is the type of what was changed, for the fields whose words depend on it.
    """
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [
        (_label(name, entity), _show(name, old, entity), _show(name, new, entity))
        for name in names
        if old.get(name) != new.get(name) and name not in UNSHOWN_FIELDS
    ]


def _label(name: str, entity: str) -> str:
    return OWN_LABELS.get((entity, name)) or FIELD_LABELS.get(name, name)


def _show(name: str, values: dict[str, Any], entity: str) -> str:
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
    return _code_in_words(name, str(value), values, entity)


def _code_in_words(name: str, code: str, values: dict[str, Any], entity: str) -> str:
    if name == "country":
        return country_name(code)
    if name == "tax_id_type":
        return kind_name(values.get("country", ""), code)
    if name == "status" and entity == "tax_id" and code in set(TaxIdStatus):
        return TAX_ID_STATUSES[TaxIdStatus(code)]
    return code.replace("_", " ").capitalize() if name == "status" else code


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
        changes=field_changes(row.before, row.after, row.entity_type),
        reason=row.reason,
        address=None if is_hidden else row.address,
        created_at=row.created_at,
    )
