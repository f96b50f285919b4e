"""Writing the audit log: one call, in the transaction of the change it tells of."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.actor import Actor
from portal.audit.models import AuditEntry
from portal.extensions import db


class Action(StrEnum):
    """Everything that is recorded, as `subject:thing:what-happened`."""

    SESSION_STARTED = "session:sign-in:done"
    SESSION_ENDED = "session:sign-out:done"
    STAFF_ADDED = "staff:account:added"
    ORGANIZATION_OPENED = "organization:account:opened"
    PROFILE_NAME_CHANGED = "profile:name:changed"
    MEMBER_ADDED = "member:membership:added"
    MEMBER_ROLE_CHANGED = "member:role:changed"
    MEMBER_REMOVED = "member:membership:removed"
    INVITATION_SENT = "invitation:mail:sent"
    INVITATION_RESENT = "invitation:mail:resent"
    INVITATION_REVOKED = "invitation:offer:revoked"
    INVITATION_ACCEPTED = "invitation:offer:accepted"
    BILLING_DETAILS_CHANGED = "billing:details:changed"
    CARD_PAGE_OPENED = "billing:card-page:opened"
    CARD_CHANGED = "billing:card:changed"
    SUBSCRIPTION_CHANGED = "billing:plan:changed"
    INVOICE_ISSUED = "invoice:document:issued"
    INVOICE_CHANGED = "invoice:status:changed"
    INVOICE_PAYMENT_FAILED = "invoice:payment:failed"
    API_KEY_CREATED = "api-key:secret:created"
    API_KEY_REVOKED = "api-key:secret:revoked"


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed: the thing, and its fields before and after. Never put a secret in them."""

    entity_type: str
    entity_id: str
    entity_name: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(actor: Actor, action: Action, change: Change) -> None:
    """Add the audit row to the caller's transaction: both are committed, or neither."""
    db.session.add(
        AuditEntry(
            organization_id=actor.organization_id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name[:120],
            action=action.value,
            entity_type=change.entity_type,
            entity_id=change.entity_id,
            entity_name=change.entity_name[:254],
            before=change.before,
            after=change.after,
            address=actor.origin.address,
            agent=actor.origin.agent,
            request_id=actor.origin.request_id,
        )
    )
    db.session.flush()
