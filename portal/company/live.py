"""Company details as a page shows them when Stripe has just answered: Stripe's, and what has still to be told there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal.company.mirror import new_row, said_by_stripe
from portal.company.models import TaxId
from portal.company.queries import CompanyDetails, company_details, tax_ids_for_reading
from portal.company.tax_id_checks import is_same_number
from portal.company.tax_ids import to_be_looked_up
from portal.company.telling import untold_details
from portal.gateways.stripe_objects import AddressSnapshot, CustomerSnapshot, TaxIdSnapshot
from portal.identity.models import Organization
from portal.kit.clock import utcnow


@dataclass(frozen=True, slots=True)
class Before:
    """What stood before Stripe was asked: an answer may be older than what was pushed while it came.

    `ours` names the details that Stripe did not know then.
    """

    asked_at: datetime
    ours: frozenset[str]


def before_asking(organization: Organization) -> Before:
    """To be called before Stripe is; see `live_details`."""
    return Before(utcnow(), untold_details(organization.stripe_customer_id).names)


def live_details(
    organization: Organization, customer: CustomerSnapshot | None, before: Before
) -> CompanyDetails:
    """Our details with what Stripe said in its place; what was changed here and is not at Stripe yet stays.

    Nothing is written: the event that tells of a change does that. A tax id that only Stripe knows has no id here.
    """
    known = company_details(organization)
    if customer is None:
        return known
    said = said_by_stripe(organization, customer)
    theirs: dict[str, Any] = {
        "name": said["name"],
        "billing_email": said["billing_email"],
        "address": AddressSnapshot(**{part: said[part] for part in AddressSnapshot.__slots__}),
        "purchase_order": said["purchase_order"] or (None if known.purchase_order is None else ""),
    }
    return replace(
        known,
        tax_ids=tuple(_tax_ids(organization.id, customer.tax_ids, before)),
        **{name: value for name, value in theirs.items() if name not in before.ours},
    )


def _tax_ids(organization_id: str, found: Sequence[TaxIdSnapshot], before: Before) -> Iterator[TaxId]:
    listed = {snapshot.id for snapshot in found}
    rows = tax_ids_for_reading(organization_id, sorted(listed))
    for row in rows:
        is_newer = row.pushed_at is None or row.pushed_at >= before.asked_at
        if row.deleted_at is None and (is_newer or row.stripe_id is None or row.stripe_id in listed):
            yield row
    for snapshot in found:
        if not any(_is_of(row, snapshot) for row in rows):
            yield _unknown(organization_id, snapshot)


def _is_of(row: TaxId, snapshot: TaxIdSnapshot) -> bool:
    if row.stripe_id is not None:
        return row.stripe_id == snapshot.id
    return row.type == snapshot.type and is_same_number(row.value, snapshot.value)


def _unknown(organization_id: str, snapshot: TaxIdSnapshot) -> TaxId:
    row = new_row(organization_id, snapshot)
    row.verification = snapshot.verification
    to_be_looked_up(row)
    return row
