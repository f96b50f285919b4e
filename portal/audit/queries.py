"""Selects of the audit log."""

from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.database import AnyRow
from portal.extensions import db
from portal.kit.paging import Page, decode_cursor, make_page

PAGE_SIZE = 30
ENTRY_ROWS = select(
    AuditEntry.id,
    AuditEntry.actor_kind,
    AuditEntry.actor_name,
    AuditEntry.action,
    AuditEntry.entity_type,
    AuditEntry.entity_name,
    AuditEntry.before,
    AuditEntry.after,
    AuditEntry.address,
    AuditEntry.created_at,
)


def entries_page(organization_id: str, after: str | None = None) -> Page[AnyRow]:
    """One page of an organization's log, newest first. Raises `InvalidInputError` for a bad `after`."""
    statement = ENTRY_ROWS.where(AuditEntry.organization_id == organization_id)
    if cursor := decode_cursor(after, (int,)):
        statement = statement.where(AuditEntry.id < cursor[0])
    rows = db.session.execute(statement.order_by(AuditEntry.id.desc()).limit(PAGE_SIZE + 1)).all()
    return make_page(rows, PAGE_SIZE, lambda row: (row.id,))
