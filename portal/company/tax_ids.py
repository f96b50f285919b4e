"""Verbs about an organization's tax ids. They are never changed: another number is another row, as at Stripe."""

from sqlalchemy import update

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import tax_id_changed
from portal.billing.queries import require_open_customer
from portal.company.models import TaxId, TaxIdStatus
from portal.company.queries import tax_id_by_id, tax_ids_of
from portal.company.tax_id_checks import clean_tax_id, is_same_number
from portal.company.tax_id_types import EU_VAT, kind_of
from portal.errors import ConflictError, InvalidInputError
from portal.extensions import db
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.tokens import ID_LENGTH, digest, new_id
from portal.notifications.outbox import put_stripe
from portal.permissions import Permission
from portal.team.authority import lock_organization

CUSTOMER_TAX_IDS = "customer-tax-ids"
MOST_TAX_IDS = 5
"""Stripe prints as many on an invoice."""


def add_tax_id(actor: Actor, country: str, type_: str, value: str, click: str = "") -> TaxId:
    """Put a number on the next invoices. `country` is ISO 3166-1, `type_` Stripe's name of the kind.

    What is sent twice with one `click`, the token of a form, is done once. Raises `ForbiddenError`, `InvalidInputError`
    naming the field and the form of the country's numbers, `ConflictError` where there are as many as Stripe prints,
    and `ClosedCustomerError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    kind = kind_of(country, type_)
    if kind is None:
        raise InvalidInputError("Choose which number of this country it is.", field="type")
    value = clean_tax_id(kind, value)
    organization = lock_organization(actor, Permission.BILLING_MANAGE)
    require_open_customer(organization)
    known = tax_ids_of(organization.id)
    same = next((row for row in known if row.type == type_ and is_same_number(row.value, value)), None)
    id_ = _id_of(organization, click, value) if click else new_id("tax")
    if same is not None and same.id == id_:
        return same
    if same is not None:
        raise InvalidInputError("This number is on your invoices already.", field="value")
    if len(known) >= MOST_TAX_IDS:
        raise ConflictError(f"An invoice has room for {MOST_TAX_IDS} tax IDs. Remove one first.")
    if db.session.get(TaxId, id_) is not None:  # removed since: the form was sent again later
        id_ = new_id("tax")
    row = TaxId(id=id_, organization_id=organization.id, type=type_, value=value, country=country)
    to_be_looked_up(row)
    note_added(actor, organization, row, is_told=True)
    _push(organization)
    return row


def remove_tax_id(actor: Actor, tax_id_id: str) -> TaxId:
    """Take a number off the next invoices; nothing is done to one that is removed already.

    Raises `ForbiddenError`, `NotFoundError`, `ClosedCustomerError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    organization = lock_organization(actor, Permission.BILLING_MANAGE)
    row = tax_id_by_id(organization.id, tax_id_id, lock=True, or_removed=True)
    if row.deleted_at is not None:
        return row
    require_open_customer(organization)
    row.pushed_at = None
    note_removed(actor, organization, row, is_told=True)
    _push(organization)
    return row


def look_up_again(actor: Actor, tax_id_id: str) -> TaxId:
    """Ask the register now: a new number takes days to be in it. Raises `NotFoundError`, `ConflictError`."""
    actor.require(Permission.BILLING_MANAGE)
    organization = lock_organization(actor, Permission.BILLING_MANAGE)
    row = tax_id_by_id(organization.id, tax_id_id, lock=True)
    if row.type != EU_VAT or row.status is TaxIdStatus.REFUSED:
        raise ConflictError("There is no register to look this number up in.")
    before = row.status.value
    to_be_looked_up(row)
    change = Change("tax_id", row.id, row.value, {"status": before}, {"status": row.status.value})
    record(actor, Action.TAX_ID_LOOKUP_ASKED, change)
    return row


def look_up_all_again(organization_id: str) -> None:
    """After a change of country, have the register asked anew; part of the caller's transaction."""
    statement = update(TaxId).where(
        TaxId.organization_id == organization_id,
        TaxId.type == EU_VAT,
        TaxId.deleted_at.is_(None),
        TaxId.status != TaxIdStatus.REFUSED,
    )
    values = {"attempts": 0, "next_attempt_at": utcnow(), "claimed_by": None, "claimed_until": None}
    db.session.execute(statement.values(status=TaxIdStatus.PENDING, **values))


def to_be_looked_up(row: TaxId) -> None:
    """Start the lookup over, where there is a register for the kind: VIES has the EU's numbers."""
    is_listed = row.type == EU_VAT
    row.status = TaxIdStatus.PENDING if is_listed else TaxIdStatus.UNCHECKED
    row.next_attempt_at = utcnow() if is_listed else None
    row.attempts, row.claimed_by, row.claimed_until = 0, None, None


def note_added(actor: Actor, organization: Organization, row: TaxId, *, is_told: bool) -> None:
    """Store a number that is new here, with its audit row, and tell of it."""
    db.session.add(row)
    db.session.flush()
    record(actor, Action.TAX_ID_ADDED, Change("tax_id", row.id, row.value, None, shown(row)))
    if is_told:
        tax_id_changed(actor, organization, before=None, after=row.value)


def note_removed(actor: Actor, organization: Organization, row: TaxId, *, is_told: bool) -> None:
    """Make a number a tombstone, with its audit row, and tell of it."""
    row.deleted_at = utcnow()
    row.next_attempt_at = row.claimed_by = row.claimed_until = None
    db.session.flush()
    record(actor, Action.TAX_ID_REMOVED, Change("tax_id", row.id, row.value, shown(row), None))
    if is_told:
        tax_id_changed(actor, organization, before=row.value, after=None)


def shown(row: TaxId) -> dict[str, str]:
    """What the log says of a number."""
    return {"tax_id_type": row.type, "value": row.value, "country": row.country}


def _id_of(organization: Organization, click: str, value: str) -> str:
    """The same for a form that is sent twice."""
    return f"tax_{digest(f'{organization.id}:{click}:{value}')[:ID_LENGTH]}"


def _push(organization: Organization) -> None:
    if organization.stripe_customer_id:
        put_stripe(CUSTOMER_TAX_IDS, organization.stripe_customer_id, organization.id)
