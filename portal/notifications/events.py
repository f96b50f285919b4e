"""Everything that somebody may be told of. What is said, to whom and how stands in `portal.notifications.catalogue`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from portal.actor import Actor
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
    USAGE_ALERT = "usage-alert"
    API_KEY_CREATED = "api-key-created"
    API_KEY_ROTATED = "api-key-rotated"
    API_KEY_REVOKED = "api-key-revoked"
    API_KEY_LEAKED = "api-key-leaked"
    API_KEY_EXPIRING = "api-key-expiring"
    NEW_DEVICE = "new-device"
    SECOND_FACTOR_CHANGED = "second-factor-changed"
    EMAIL_CHANGED = "email-changed"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # nosec B105: an event's name
    SESSIONS_ENDED = "sessions-ended"
    STAFF_VIEWED = "staff-viewed"
    RECOVERY_ASKED = "recovery-asked"
    RECOVERY_APPROVED = "recovery-approved"
    RECOVERY_ENDED = "recovery-ended"


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
    organization is the actor's unless given; None for what concerns one person alone.
    """
    organization_id = organization_id or actor.organization_id
    whole = {
        **payload,
        "actor": actor.name,
        "actor_id": actor.id,
        "actor_kind": actor.kind.value,
        "about": list(about),
        "addresses": list(addresses),
    }
    # One recipient for all events of an organization: they are expanded in the order in which they happened.
    recipient = organization_id or (about[0] if about else "portal")
    put(Channel.EVENT, event.value, recipient, whole, organization_id)
