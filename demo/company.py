"""The companies' own details, put in by their people through the portal: addresses, tax ids, where invoices go."""

from dataclasses import dataclass

from sqlalchemy import select

from portal.actor import Actor, ActorKind
from portal.company.service import change_company, change_delivery
from portal.company.tax_ids import add_tax_id
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from portal.identity.models import Membership, Organization, User


@dataclass(frozen=True, slots=True)
class Company:
    """What one of them typed in. `vat` has country and number; made up, with check digits that fit."""

    by: str
    address: AddressSnapshot
    vat: tuple[tuple[str, str], ...]
    purchase_order: str
    recipients: tuple[str, ...]


ACME_COMPANY = Company(
    "billing@acme.example",
    AddressSnapshot(
        line1="17 Foundry Lane",
        line2="Unit 4",
        city="Dublin",
        state="Co. Dublin",
        postal_code="D08 X2P7",
        country="IE",
    ),
    # The stand-in of VIES knows the first; for a number that ends in 9 its member state never answers.
    (("IE", "IE5916705BA"), ("BE", "BE0578552639")),
    "PO-2026-0417",
    ("accounts.payable@acme.example", "controlling@acme.example"),
)
GLOBEX_COMPANY = Company(
    "owner@globex.example",
    AddressSnapshot(line1="Speicherstraße 14", city="Hamburg", postal_code="20457", country="DE"),
    (("DE", "DE119502484"),),
    "",
    ("sabine.vogt@globex.example",),
)


def write_company(organization_id: str, company: Company) -> None:
    """Put the details in as their people would: with audit rows, notifications and what Stripe is told."""
    actor = _actor(organization_id, company.by)
    organization = db.session.get_one(Organization, organization_id)
    change_company(actor, organization.name, company.address)
    change_delivery(actor, organization.billing_email, company.purchase_order, company.recipients)
    for country, value in company.vat:
        add_tax_id(actor, country, "eu_vat", value)


def _actor(organization_id: str, email: str) -> Actor:
    found = db.session.execute(
        select(User.id, User.name, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(User.email == email, Membership.organization_id == organization_id)
    ).one()
    return Actor(ActorKind.USER, found.id, found.name, organization_id, found.role, email)
