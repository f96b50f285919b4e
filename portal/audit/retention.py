"""How long the log is kept: old rows leave the start of their chain, and the chain says so in a signed row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from portal.actor import system_actor
from portal.audit.actions import Action
from portal.audit.chain import audit_keys
from portal.audit.guards import lifted_for_deleting
from portal.audit.models import AuditEntry
from portal.audit.service import Change, record
from portal.audit.summary import Summary
from portal.context import current_settings
from portal.extensions import db


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of one chain that go: positions `first` to `last`."""

    chain: str
    organization_id: str | None
    first: int
    last: int

    @property
    def rows(self) -> int:
        """How many rows go."""
        return self.last - self.first + 1


def old_rows(before: datetime) -> list[Cut]:
    """What is older than `before`, from the start of each chain without a break. A lone summary stays."""
    old = (
        select(
            AuditEntry.chain,
            func.max(AuditEntry.organization_id).label("organization_id"),
            func.min(AuditEntry.position).label("first"),
            func.max(AuditEntry.position).label("last"),
            func.max(AuditEntry.action).label("highest"),
            func.min(AuditEntry.action).label("lowest"),
        )
        .where(AuditEntry.created_at < before)
        .group_by(AuditEntry.chain)
        .order_by(AuditEntry.chain)
    )
    cuts = []
    for row in db.session.execute(old).all():
        is_lone_summary = row.highest == row.lowest == Action.LOG_CUT.value
        last = _unbroken(row.chain, row.last, before)
        if last >= row.first and not is_lone_summary:
            cuts.append(Cut(row.chain, row.organization_id, row.first, last))
    return cuts


def retain(before: datetime, on_chain: Callable[[], None] = lambda: None) -> list[Cut]:
    """Delete what `old_rows` tells, and put a signed summary into each chain. The caller commits: all or nothing.

    Raises `ForbiddenError` on Postgres for a role that does not own the log.
    """
    with lifted_for_deleting(db.session.connection()):
        cuts = old_rows(before)
        for cut in _each(cuts, on_chain):
            own = AuditEntry.chain == cut.chain
            last = select(AuditEntry.hash).where(own, AuditEntry.position == cut.last)
            summary = Summary.of(cut.first, cut.last, db.session.scalars(last).one(), before)
            db.session.execute(delete(AuditEntry).where(own, AuditEntry.position <= cut.last))
            _tell(cut, summary)
    return cuts


def _unbroken(chain: str, last: int, before: datetime) -> int:
    """The last position before the first row that is young enough to stay."""
    young = select(func.min(AuditEntry.position)).where(
        AuditEntry.chain == chain, AuditEntry.position < last, AuditEntry.created_at >= before
    )
    first_young = db.session.scalar(young)
    return last if first_young is None else first_young - 1


def _tell(cut: Cut, summary: Summary) -> None:
    key = next(iter(audit_keys(current_settings()).values()))
    entity = Change("audit-log", cut.chain, cut.chain, None, summary.signed(key, cut.chain))
    record(system_actor(cut.organization_id), Action.LOG_CUT, entity, chain=cut.chain)


def _each(cuts: list[Cut], on_chain: Callable[[], None]) -> Iterable[Cut]:
    for cut in cuts:
        yield cut
        on_chain()
