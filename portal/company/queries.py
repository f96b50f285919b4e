"""What is known of an organization for its invoices."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from portal.company.addresses import NO_ADDRESS, country_name, postal_lines
from portal.company.models import BillingDetails, InvoiceRecipient, TaxId, TaxIdStatus
from portal.company.tax_id_types import kind_name
from portal.company.telling import untold_details
from portal.errors import or_not_found
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from portal.identity.models import Organization


@dataclass(frozen=True, slots=True)
class CompanyDetails:
    """What stands on the next invoice, and where it goes. `purchase_order` None: nobody has said."""

    name: str
    billing_email: str
    address: AddressSnapshot
    purchase_order: str | None
    recipients: tuple[str, ...]
    tax_ids: tuple[TaxId, ...]
    not_taken: frozenset[str] = frozenset()
    """Names of details (`portal.company.telling`) that Stripe did not take, so that invoices do not have them."""

    @property
    def address_lines(self) -> list[str]:
        """The address as on a letter; none where there is no address."""
        return postal_lines(self.address)

    @property
    def is_being_looked_up(self) -> bool:
        """Whether the register has just been asked for a number, so that its answer may come any moment."""
        return any(row.id and row.status is TaxIdStatus.PENDING and row.attempts == 0 for row in self.tax_ids)

    def kind_of(self, tax_id: TaxId) -> str:
        """What people call such a number, with its country: `EU VAT number, Germany`."""
        name = kind_name(tax_id.country, tax_id.type)
        return f"{name}, {country_name(tax_id.country)}" if tax_id.country else name

    def is_from_elsewhere(self, tax_id: TaxId) -> bool:
        """Whether a number is of another country than the address, so that somebody should look at it."""
        return bool(self.address.country and tax_id.country and tax_id.country != self.address.country)


def company_details(organization: Organization) -> CompanyDetails:
    """All of it, in four selects."""
    row = details_row(organization.id)
    return CompanyDetails(
        name=organization.name,
        billing_email=organization.billing_email,
        address=address_of(row),
        purchase_order=row.purchase_order if row else None,
        recipients=recipients_of(organization.id),
        tax_ids=tuple(tax_ids_of(organization.id)),
        not_taken=untold_details(organization.stripe_customer_id).given_up,
    )


def details_row(organization_id: str) -> BillingDetails | None:
    """Address and purchase order as stored; None where nothing is known."""
    return db.session.get(BillingDetails, organization_id)


def address_of(row: BillingDetails | None) -> AddressSnapshot:
    """The stored address; all parts are empty where there is none."""
    if row is None:
        return NO_ADDRESS
    return AddressSnapshot(row.line1, row.line2, row.city, row.state, row.postal_code, row.country)


def recipients_of(organization_id: str) -> tuple[str, ...]:
    """The further addresses that invoices go to, in alphabetical order."""
    statement = select(InvoiceRecipient.email).where(InvoiceRecipient.organization_id == organization_id)
    return tuple(db.session.scalars(statement.order_by(InvoiceRecipient.email)))


def tax_ids_of(organization_id: str) -> Sequence[TaxId]:
    """The tax ids that are there, oldest first."""
    statement = select(TaxId).where(TaxId.organization_id == organization_id, TaxId.deleted_at.is_(None))
    return db.session.scalars(statement.order_by(TaxId.created_at, TaxId.id)).all()


def tax_id_by_id(
    organization_id: str, tax_id_id: str, *, lock: bool = False, or_removed: bool = False
) -> TaxId:
    """A tax id of this organization, or `NotFoundError`. `lock` holds its row (Postgres)."""
    statement = select(TaxId).where(TaxId.id == tax_id_id, TaxId.organization_id == organization_id)
    if not or_removed:
        statement = statement.where(TaxId.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return or_not_found(db.session.scalar(statement))


def tax_ids_to_push(organization_id: str) -> Sequence[TaxId]:
    """New and removed tax ids that Stripe has still to be told of, removed ones first."""
    statement = select(TaxId).where(TaxId.organization_id == organization_id, TaxId.pushed_at.is_(None))
    return db.session.scalars(
        statement.order_by(TaxId.deleted_at.is_(None), TaxId.created_at, TaxId.id)
    ).all()


def holders_of(stripe_ids: Sequence[str]) -> dict[str, str]:
    """Which row has each of these ids of Stripe's, as far as one has."""
    statement = select(TaxId.stripe_id, TaxId.id).where(TaxId.stripe_id.in_(list(stripe_ids)))
    return {stripe_id: row_id for stripe_id, row_id in db.session.execute(statement) if stripe_id}


def tax_ids_for_reading(organization_id: str, stripe_ids: Sequence[str]) -> Sequence[TaxId]:
    """Those that are there, those on their way to Stripe, and whatever Stripe lists."""
    is_concerned = or_(
        TaxId.deleted_at.is_(None), TaxId.pushed_at.is_(None), TaxId.stripe_id.in_(list(stripe_ids))
    )
    statement = select(TaxId).where(TaxId.organization_id == organization_id, is_concerned)
    return db.session.scalars(statement.order_by(TaxId.created_at, TaxId.id)).all()
