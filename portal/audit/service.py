"""Writing the audit log: one call, in the transaction of the change it tells of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.masking import masked
from portal.extensions import db
from portal.journal import journal_of

NO_CHAIN = "portal"


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed: the thing, and its fields before and after. Secrets among them are masked when written."""

    entity_type: str
    entity_id: str
    entity_name: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(
    actor: Actor,
    action: Action,
    change: Change,
    *,
    reason: str | None = None,
    happened_at: datetime | None = None,
) -> None:
    """Put an audit row into the caller's transaction: both are committed, or neither.

    `reason` is why staff acted for somebody. The time is the database's; only the demo gives `happened_at`.
    """
    row = {
        **_who(actor),
        "action": action.value,
        "entity_type": change.entity_type,
        "entity_id": change.entity_id,
        "entity_name": change.entity_name[:254],
        "before": masked(change.before),
        "after": masked(change.after),
        "reason": reason,
        "created_at": happened_at,
    }
    journal_of(db.session()).entries.append(row)


def _who(actor: Actor) -> dict[str, Any]:
    return {
        "chain": actor.organization_id or actor.id or NO_CHAIN,
        "organization_id": actor.organization_id,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "actor_name": actor.name[:120],
        "address": actor.origin.address,
        "agent": actor.origin.agent,
        "request_id": actor.origin.request_id,
    }
