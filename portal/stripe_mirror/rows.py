"""The mirror of one organization as plain values, to tell what differed from Stripe before it was put right."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from portal.billing.models import CreditNote, PaymentMethod, Subscription
from portal.company.models import TaxId
from portal.company.queries import details_row
from portal.extensions import db
from portal.identity.models import Organization
from portal.invoices.models import Invoice, InvoiceLine, InvoiceSource
from portal.stripe_mirror.models import StripeSync

Key = tuple[str, str]
"""Kind and Stripe's id of an object."""
Rows = dict[Key, dict[str, Any]]
TOMBSTONES = {"detached_at", "deleted_at"}
"""Columns of which only whether they are set is Stripe's: the time is when it was seen."""
OWN = {
    *("id", "organization_id", "created_at", "synced_at", "version", "document", "overdue_told_at"),
    *("registered_name", "checked_at", "pushed_at", "claimed_until", "claimed_by"),
}
"""Columns that say nothing of Stripe."""
OF_LOOKUP = {"status", "attempts", "next_attempt_at"}
"""The same of a tax id: how its lookup in the register stands."""
DETAILS = ("name", "billing_email")
TABLES: tuple[tuple[str, Any, set[str]], ...] = (
    ("payment_method", PaymentMethod, set()),
    ("subscription", Subscription, set()),
    ("credit_note", CreditNote, set()),
    ("tax_id", TaxId, OF_LOOKUP),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that differed. `what`: missing here, differs (in `fields`), unknown at Stripe, or unreadable there.

    What Stripe does not know, or does not let us read, is left as it is.
    """

    organization_id: str
    customer_id: str
    kind: str
    object_id: str
    what: str
    fields: tuple[str, ...] = ()

    @property
    def is_repaired(self) -> bool:
        """Whether the mirror says now what Stripe says."""
        return self.what in ("missing", "differs")

    def as_json(self) -> dict[str, Any]:
        """Plain values, to be stored and printed."""
        return {**asdict(self), "fields": list(self.fields), "is_repaired": self.is_repaired}


def mirror_rows(organization: Organization) -> Rows:
    """Everything that we keep of Stripe about an organization."""
    customer_id = organization.stripe_customer_id or ""
    details = {name: getattr(organization, name) for name in DETAILS}
    for row in (details_row(organization.id), db.session.get(StripeSync, customer_id)):
        details.update(_values(row))
    found: Rows = {("customer", customer_id): details}
    for kind, model, but in TABLES:
        mine = select(model).where(model.organization_id == organization.id, model.stripe_id.is_not(None))
        for row in db.session.scalars(mine):
            found[kind, row.stripe_id] = _values(row, but)
    return found | _invoices(organization.id)


def differences(organization: Organization, before: Rows, after: Rows) -> list[Finding]:
    """What a reading has changed: rows are added and changed, never taken away."""
    return [
        Finding(
            organization.id,
            organization.stripe_customer_id or "",
            kind,
            object_id,
            "differs" if (kind, object_id) in before else "missing",
            _changed(before.get((kind, object_id)), values),
        )
        for (kind, object_id), values in after.items()
        if before.get((kind, object_id)) != values
    ]


def _changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[str, ...]:
    return () if before is None else tuple(name for name in after if before.get(name) != after[name])


def _invoices(organization_id: str) -> Rows:
    mine = (Invoice.organization_id == organization_id, Invoice.source == InvoiceSource.STRIPE)
    found: Rows = {}
    keys: dict[str, Key] = {}
    for row in db.session.scalars(select(Invoice).where(*mine)):
        keys[row.id] = ("invoice", row.stripe_id or "")
        found[keys[row.id]] = {**_values(row), "lines": []}
    lines = select(InvoiceLine).join(Invoice).where(*mine).order_by(InvoiceLine.position)
    for line in db.session.scalars(lines):
        found[keys[line.invoice_id]]["lines"].append(_values(line, {"invoice_id"}))
    return found


def _values(row: Any, but: Collection[str] = ()) -> dict[str, Any]:
    """The columns that are Stripe's; none where there is no row."""
    if row is None:
        return {}
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return {
        name: value is not None if name in TOMBSTONES else value
        for name, value in values.items()
        if name not in OWN and name not in but
    }
