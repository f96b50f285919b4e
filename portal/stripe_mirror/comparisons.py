"""How comparisons with Stripe went, as staff look through them: of the mirror, and of the portal file."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from portal.context import current_settings
from portal.database import AnyRow
from portal.errors import or_not_found
from portal.extensions import db
from portal.identity.models import Organization
from portal.stripe_mirror.models import StripeReconciliation
from portal.stripe_portal.models import StripeConfiguration

LATEST = 10


def latest_reconciliations() -> Sequence[AnyRow]:
    """The latest ones without their findings, newest first."""
    rows = select(
        StripeReconciliation.id,
        StripeReconciliation.status,
        StripeReconciliation.asked_by_name,
        StripeReconciliation.customers,
        StripeReconciliation.objects,
        StripeReconciliation.found,
        StripeReconciliation.last_error,
        StripeReconciliation.created_at,
        StripeReconciliation.finished_at,
        StripeReconciliation.next_attempt_at,
    )
    newest = rows.order_by(StripeReconciliation.created_at.desc(), StripeReconciliation.id.desc())
    return db.session.execute(newest.limit(LATEST)).all()


def get_reconciliation(reconciliation_id: str) -> StripeReconciliation:
    """One of them, or `NotFoundError`."""
    return or_not_found(db.session.get(StripeReconciliation, reconciliation_id))


def findings_of(reconciliation: StripeReconciliation) -> list[dict[str, Any]]:
    """The findings that were kept, each with the `organization_name` as it is now; None where it is gone."""
    items: list[dict[str, Any]] = reconciliation.findings.get("items", [])
    names = _names({item["organization_id"] for item in items})
    return [{**item, "organization_name": names.get(item["organization_id"])} for item in items]


def portal_checks() -> Sequence[AnyRow]:
    """What the last check of each class of customer found changed on Stripe's pages, by the class's name."""
    rows = select(
        StripeConfiguration.customer_class, StripeConfiguration.differences, StripeConfiguration.checked_at
    ).where(
        StripeConfiguration.livemode == current_settings().stripe_is_live,
        StripeConfiguration.checked_at.is_not(None),
    )
    return db.session.execute(rows.order_by(StripeConfiguration.customer_class)).all()


def _names(ids: set[str]) -> Mapping[str, str]:
    found = db.session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(ids)))
    return {row.id: row.name for row in found}
