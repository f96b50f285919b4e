"""Writing what Stripe says of a company into our own tables: details and tax ids."""

from collections.abc import Sequence
from dataclasses import asdict

from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import details_changed
from portal.company.addresses import NO_ADDRESS, is_country
from portal.company.models import BillingDetails, TaxId, TaxIdStatus
from portal.company.queries import details_row, tax_ids_for_reading
from portal.company.service import differences, mirrored_details, write_details
from portal.company.tax_id_checks import is_same_number
from portal.company.tax_id_types import country_of
from portal.company.tax_ids import note_added, note_removed, to_be_looked_up
from portal.company.telling import detail_of, untold_details
from portal.errors import InvalidInputError
from portal.gateways.stripe_objects import CustomerSnapshot, TaxIdSnapshot
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.text import clean_email
from portal.stripe_mirror.target import Target


def apply_details(target: Target, customer: CustomerSnapshot) -> None:
    """Make our rows say what Stripe says of name, mail, address, purchase order and tax ids.

    A detail that was changed here wins until Stripe has it. Nobody is told of what was there before the first reading.
    """
    row = details_row(target.organization.id)
    is_known = row is not None
    _apply_fields(target, customer, row)
    apply_tax_ids(target, customer.tax_ids, is_told=target.is_told and is_known)


def apply_tax_ids(target: Target, found: Sequence[TaxIdSnapshot], *, is_told: bool) -> None:
    """Make our rows say which tax ids Stripe has. Those that it has still to be told of stay as they are."""
    rows = tax_ids_for_reading(target.organization.id, [snapshot.id for snapshot in found])
    known = {row.stripe_id: row for row in rows if row.stripe_id}
    unnamed = [row for row in rows if row.stripe_id is None]
    for snapshot in found:
        row = known.pop(snapshot.id, None) or _adopt(unnamed, snapshot)
        _apply_tax_id(target, row, snapshot, is_told=is_told)
    for row in known.values():  # Stripe has them no more
        if row.deleted_at is None:
            note_removed(target.actor, target.organization, row, is_told=is_told)
        row.pushed_at = row.pushed_at or utcnow()


def said_by_stripe(organization: Organization, customer: CustomerSnapshot) -> dict[str, str]:
    """Name, mail, purchase order and parts of the address, under the names that they have here."""
    said: dict[str, str] = {
        **asdict(customer.address or NO_ADDRESS),
        "name": customer.name or organization.name,
        "billing_email": _email(customer.email) or organization.billing_email,
        "purchase_order": customer.purchase_order or "",
    }
    return {**said, "country": _country(said["country"])}


def new_row(organization_id: str, snapshot: TaxIdSnapshot) -> TaxId:
    """What becomes of a tax id that only Stripe knows."""
    return TaxId(
        organization_id=organization_id,
        type=snapshot.type[:32],
        value=snapshot.value[:64],
        country=country_of(snapshot.type, snapshot.value) or _country(snapshot.country),
    )


def _apply_fields(target: Target, customer: CustomerSnapshot, row: BillingDetails | None) -> None:
    organization, is_known = target.organization, row is not None
    before = mirrored_details(organization, row)
    ours = untold_details(customer.id).names
    said = said_by_stripe(organization, customer).items()
    after = {**before, **{name: value for name, value in said if detail_of(name) not in ours}}
    old, new = differences(before, after)
    if not new and is_known:
        return
    write_details(organization, before, after)
    if not new:
        return
    change = Change("organization", organization.id, organization.name, old, new)
    record(target.actor, Action.BILLING_DETAILS_CHANGED, change)
    if target.is_told:
        told = new if is_known else new.keys() & {"name", "billing_email"}
        details_changed(
            target.actor, organization, before, {**before, **{name: after[name] for name in told}}
        )


def _apply_tax_id(target: Target, row: TaxId | None, snapshot: TaxIdSnapshot, *, is_told: bool) -> None:
    if row is not None and row.pushed_at is None and row.deleted_at is not None:
        row.stripe_id = snapshot.id  # removed here; Stripe is about to be told
        return
    is_new = row is None or row.deleted_at is not None
    row = row or new_row(target.organization.id, snapshot)
    if is_new or row.stripe_id is None:
        row.deleted_at, row.stripe_id, row.pushed_at = None, snapshot.id, utcnow()
    row.verification = snapshot.verification
    if is_new or row.status is TaxIdStatus.REFUSED:  # Stripe has it after all
        to_be_looked_up(row)
    if is_new:
        note_added(target.actor, target.organization, row, is_told=is_told)


def _country(said: str) -> str:
    """Stripe takes any text for a country; what is no code is none to us."""
    return said.upper() if is_country(said.upper()) else ""


def _email(said: str | None) -> str:
    """Stripe's dashboard takes what no mail server does: that is none to us."""
    try:
        return clean_email(said or "")
    except InvalidInputError:
        return ""


def _adopt(unnamed: list[TaxId], snapshot: TaxIdSnapshot) -> TaxId | None:
    """Our row that became this one at Stripe, if its answer did not reach us; one that is there goes first."""
    same = [row for row in unnamed if row.type == snapshot.type and is_same_number(row.value, snapshot.value)]
    row = min(same, key=lambda row: row.deleted_at is not None, default=None)
    if row is not None:
        unnamed.remove(row)
    return row
