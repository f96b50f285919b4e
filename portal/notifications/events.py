"""Everything that somebody may be told of. What is said, to whom and how stands in `portal.notifications.catalogue`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from portal.actor import Actor, ActorKind
from portal.notifications.models import Channel
from portal.notifications.outbox import put


class Event(StrEnum):
    """The value is the name of the mail's folder, of the preference and of the outbox topic."""

    MEMBER_ADDED = "member-added"
    MEMBER_ROLE_CHANGED = "member-role-changed"
    MEMBER_REMOVED = "member-removed"
    INVITATION_SENT = "invitation-sent"
    OWNERSHIP_CHANGED = "ownership-changed"
    BILLING_EMAIL_CHANGED = "billing-email-changed"
    BILLING_DETAILS_CHANGED = "billing-details-changed"
    CARD_CHANGED = "card-changed"
    PLAN_CHANGED = "plan-changed"
    PAYMENT_FAILED = "payment-failed"
    INVOICE_ISSUED = "invoice-issued"
    INVOICE_OVERDUE = "invoice-overdue"
    INVOICE_PAID = "invoice-paid"
    INVOICE_CORRECTED = "invoice-corrected"
    CONTRACT_DOCUMENTS_CHANGED = "contract-documents-changed"
    USAGE_ALERT = "usage-alert"
    API_KEY_CREATED = "api-key-created"
    API_KEY_ROTATED = "api-key-rotated"
    API_KEY_REVOKED = "api-key-revoked"
    API_KEY_LEAKED = "api-key-leaked"
    API_KEY_EXPIRING = "api-key-expiring"
    SCREEN_CAN_DO_IT = "screen-can-do-it"
    NEW_DEVICE = "new-device"
    SECOND_FACTOR_CHANGED = "second-factor-changed"
    EMAIL_CHANGED = "email-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # nosec B105: an event's name
    SESSIONS_ENDED = "sessions-ended"
    STAFF_VIEWED = "staff-viewed"
    RECOVERY_ASKED = "recovery-asked"
    RECOVERY_APPROVED = "recovery-approved"
    RECOVERY_ENDED = "recovery-ended"
    STRIPE_EVENT_DEAD = "stripe-event-dead"
    MIRROR_REPAIRED = "mirror-repaired"
    PORTAL_DRIFTED = "portal-drifted"


_MEMBER = {"member", "email"}
_INVOICE = {"invoice", "invoice_id", "amount_minor", "currency"}
_KEY = {"key", "prefix"}
READ: dict[Event, set[str]] = {
    Event.MEMBER_ADDED: _MEMBER | {"role"},
    Event.MEMBER_ROLE_CHANGED: _MEMBER | {"role", "role_before"},
    Event.MEMBER_REMOVED: _MEMBER | {"is_self"},
    Event.INVITATION_SENT: {"email", "role", "expires_at"},
    Event.OWNERSHIP_CHANGED: _MEMBER | {"role", "role_before"},
    Event.BILLING_EMAIL_CHANGED: {"before", "after"},
    Event.BILLING_DETAILS_CHANGED: {"lines", "changes"},
    Event.CARD_CHANGED: {"card", "changes"},
    Event.PLAN_CHANGED: {"plan", "kind", "changes", "ends_at", "next_plan", "next_seats", "next_at"},
    Event.PAYMENT_FAILED: _INVOICE | {"attempts", "next_attempt_at", "payment_state"},
    Event.INVOICE_ISSUED: _INVOICE | {"due_at"},
    Event.INVOICE_OVERDUE: _INVOICE | {"due_at"},
    Event.INVOICE_PAID: _INVOICE | {"paid_at"},
    Event.INVOICE_CORRECTED: _INVOICE | {"correction"},
    Event.CONTRACT_DOCUMENTS_CHANGED: {"document", "kind"},
    Event.USAGE_ALERT: {"meter", "used", "limit", "percent", "period_ends_at"},
    Event.API_KEY_CREATED: _KEY,
    Event.API_KEY_ROTATED: _KEY | {"old_ends_at"},
    Event.API_KEY_REVOKED: _KEY,
    Event.API_KEY_LEAKED: _KEY | {"found_at", "is_revoked"},
    Event.API_KEY_EXPIRING: _KEY | {"expires_at"},
    Event.SCREEN_CAN_DO_IT: {"title", "advice", "screen", "screen_label", "wrote_at", "organization"},
    Event.NEW_DEVICE: {"device"},
    Event.SECOND_FACTOR_CHANGED: {"change", "codes_left"},
    Event.EMAIL_CHANGED: {"before", "after"},
    Event.PASSWORD_CHANGED: {"others_signed_out"},
    Event.SESSIONS_ENDED: {"reason"},
    Event.STAFF_VIEWED: {"reason", "minutes"},
    Event.RECOVERY_ASKED: {"recovery_id", "reason"},
    Event.RECOVERY_APPROVED: {"recovery_id", "due_at"},
    Event.RECOVERY_ENDED: {"outcome"},
    Event.STRIPE_EVENT_DEAD: {"event_id", "event_type", "error", "customer"},
    Event.MIRROR_REPAIRED: {"found", "customers"},
    Event.PORTAL_DRIFTED: {"customer_class", "differences"},
}
"""What the texts of each event read. Money is minor units and a currency, times are ISO text, roles are labels."""


def announce(
    event: Event,
    actor: Actor,
    payload: dict[str, Any],
    *,
    about: Sequence[str] = (),
    addresses: Sequence[str] = (),
    organization_id: str | None = None,
) -> None:
    """Put one event into the caller's transaction; the worker finds out who is to be told, and tells them.

    `payload` holds plain values for the texts, never a secret. `about` are ids of the people it happened to: they are
    told although they may have left. `addresses` are mail addresses beyond people, such as an old billing email. The
    organization is the actor's unless given. Raises `KeyError` where the payload lacks what the texts read.
    """
    if missing := READ[event] - payload.keys():
        raise KeyError(f"{event.value} is announced without {', '.join(sorted(missing))}")
    organization_id = organization_id or actor.organization_id
    whole = {
        **payload,
        "actor": actor.name,
        "actor_id": actor.id,
        "actor_kind": actor.kind.value,
        "address": actor.origin.address if _may_be_located(actor, about) else None,
        "about": list(about),
        "addresses": list(addresses),
    }
    # One recipient for all events of an organization: they are told in the order in which they happened.
    order = organization_id or (about[0] if about else "portal")
    put(Channel.EVENT, event.value, order, whole, organization_id)


def _may_be_located(actor: Actor, about: Sequence[str]) -> bool:
    """Customers are not told where staff sit; who is told of themselves is."""
    return actor.kind in (ActorKind.USER, ActorKind.KEY) or actor.id in about
