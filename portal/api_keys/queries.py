"""Selects about API keys. The secret's hash is never selected for a list."""

from collections.abc import Sequence

from sqlalchemy import func, select

from portal.api_keys.models import ApiKey
from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db

KEY_ROWS = select(
    ApiKey.id,
    ApiKey.name,
    ApiKey.prefix,
    ApiKey.created_by_name,
    ApiKey.created_at,
    ApiKey.last_used_at,
    ApiKey.revoked_at,
)
LISTED = 200


def list_keys(organization_id: str) -> Sequence[AnyRow]:
    """Live keys first, newest first, then revoked ones; at most `LISTED`."""
    statement = (
        KEY_ROWS.where(ApiKey.organization_id == organization_id)
        .order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc(), ApiKey.id)
        .limit(LISTED)
    )
    return db.session.execute(statement).all()


def get_key(organization_id: str, key_id: str, *, lock: bool = False) -> ApiKey:
    """The organization's key, or `NotFoundError`."""
    statement = select(ApiKey).where(ApiKey.organization_id == organization_id, ApiKey.id == key_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return or_not_found(db.session.scalar(statement))


def count_live_keys(organization_id: str) -> int:
    """How many keys of the organization are not revoked."""
    statement = select(func.count()).where(
        ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None)
    )
    return db.session.scalar(statement) or 0
