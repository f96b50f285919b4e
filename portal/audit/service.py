"""Writing the audit log: one call, in the transaction of the change it tells of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.masking import masked, masked_text
from portal.extensions import db, release_connection
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
    chain: str | None = None,
) -> None:
    """Put an audit row into the caller's transaction: both are committed, or neither.

    `reason` is why staff acted for somebody. The time is the database's; only the demo gives `happened_at`. Only a row
    about a chain itself names the `chain`.
    """
    row = {
        **_who(actor),
        "chain": chain or actor.organization_id or actor.id or NO_CHAIN,
        "action": action.value,
        "entity_type": change.entity_type,
        "entity_id": change.entity_id,
        "entity_name": masked_text(change.entity_name)[:254],
        "before": masked(change.before),
        "after": masked(change.after),
        "reason": reason and masked_text(reason),
        "created_at": happened_at,
    }
    journal_of(db.session()).entries.append(row)


def record_at_once(actor: Actor, action: Action, change: Change) -> None:
    """Put down that somebody takes data out, committed before this returns: for requests that otherwise only read.

    Ends the reading so far; what has been read must not be relied on to be the same afterwards.
    """
    session = db.session()
    release_connection()
    is_reading = session.info.pop("reading", False)
    try:
        record(actor, action, change)
        session.commit()
    finally:
        session.rollback()
        session.info["reading"] = is_reading


def _who(actor: Actor) -> dict[str, Any]:
    return {
        "organization_id": actor.organization_id,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "actor_name": actor.name[:120],
        "address": actor.origin.address,
        "agent": actor.origin.agent,
        "request_id": actor.origin.request_id,
    }
