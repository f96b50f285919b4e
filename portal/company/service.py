"""Verbs that change what stands on the next invoices and where they go."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import details_changed
from portal.billing.queries import require_open_customer
from portal.company.addresses import clean_address, is_untouched
from portal.company.models import BillingDetails, InvoiceRecipient
from portal.company.queries import address_of, details_row, recipients_of
from portal.company.tax_ids import look_up_all_again
from portal.company.telling import CUSTOMER_DETAILS, TOLD_DETAILS, detail_of
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.gateways.stripe_objects import AddressSnapshot
from portal.identity.models import Organization
from portal.kit.clock import utcnow
from portal.kit.text import clean_email, clean_line
from portal.notifications.outbox import put_stripe
from portal.permissions import Permission
from portal.team.authority import lock_organization

LONGEST_NAME = 120
LONGEST_ORDER = 140
"""Stripe's limit for the value of a custom field of an invoice."""
MOST_RECIPIENTS = 10
Fields = dict[str, Any]


def change_company(actor: Actor, name: str, address: AddressSnapshot | None) -> Organization:
    """Change the legal name and the address; None leaves the address as it was. It holds from the next invoice on.

    An address that came back from the form as it was filled is left alone.

    Another country has the tax ids looked up again. Stripe is told by the outbox, people by the event. Raises
    `ForbiddenError`, `InvalidInputError` naming the field, `ClosedCustomerError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    wanted: Fields = {"name": clean_line(name, field="name", maximum=LONGEST_NAME, label="The legal name")}
    known = address_of(details_row(actor.organization))
    # The row may change before the lock is held: an untouched address is not in what is written.
    if address is not None and not is_untouched(address, known):
        wanted |= asdict(clean_address(address, known))
    return _change(actor, wanted)


def change_delivery(
    actor: Actor, billing_email: str, purchase_order: str, recipients: Sequence[str]
) -> Organization:
    """Change where invoices go, and the purchase-order number on the next ones ("" for none).

    Raises `ForbiddenError`, `InvalidInputError` naming the field, `ClosedCustomerError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    email = clean_email(billing_email, field="billing_email")
    return _change(
        actor,
        {
            "billing_email": email,
            "purchase_order": clean_order(purchase_order),
            "recipients": clean_recipients(recipients, email),
        },
    )


def clean_order(typed: str) -> str:
    """A purchase-order number, "" for none. Raises `InvalidInputError`."""
    if not typed.strip():
        return ""
    return clean_line(typed, field="purchase_order", maximum=LONGEST_ORDER, label="The PO number")


def clean_recipients(typed: Sequence[str], billing_email: str) -> str:
    """Addresses beside the billing email, each once, as `details_of` gives them. Raises `InvalidInputError`."""
    found = {_recipient(address) for address in typed if address.strip()} - {billing_email}
    if len(found) > MOST_RECIPIENTS:
        raise InvalidInputError(f"At most {MOST_RECIPIENTS} further addresses.", field="recipients")
    return ", ".join(sorted(found))


def details_of(organization: Organization) -> Fields:
    """The fields as the log shows them."""
    mirrored = mirrored_details(organization, details_row(organization.id))
    return {**mirrored, "recipients": ", ".join(recipients_of(organization.id))}


def mirrored_details(organization: Organization, row: BillingDetails | None) -> Fields:
    """Those of the fields that Stripe has too. A purchase order that nobody has spoken of is None."""
    return {
        "name": organization.name,
        "billing_email": organization.billing_email,
        **asdict(address_of(row)),
        "purchase_order": row.purchase_order if row else None,
    }


def write_details(organization: Organization, before: Fields, after: Fields) -> None:
    """Store the fields in which `after` differs; part of the caller's transaction, which holds the organization."""
    organization.name, organization.billing_email = after["name"], after["billing_email"]
    row = details_row(organization.id) or BillingDetails(
        organization_id=organization.id, **asdict(AddressSnapshot())
    )
    for name in (*AddressSnapshot.__slots__, "purchase_order"):
        setattr(row, name, after[name])
    db.session.add(row)
    if before.get("recipients") != after.get("recipients"):
        _write_recipients(organization.id, after["recipients"])
    db.session.flush()
    if before["country"] != after["country"]:
        look_up_all_again(organization.id)


def differences(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    """The fields that differ. That there is no purchase order is the same, said or unsaid."""
    changed = [name for name in before if (before[name] or "") != (after[name] or "")]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def _change(actor: Actor, wanted: Fields) -> Organization:
    organization = lock_organization(actor, Permission.BILLING_MANAGE)
    before = details_of(organization)
    old, new = differences(before, {**before, **wanted})
    after = {**before, **new}
    if not new:
        return organization
    told = {detail_of(name) for name in new} & TOLD_DETAILS
    if told:
        require_open_customer(organization)
    write_details(organization, before, after)
    record(
        actor,
        Action.BILLING_DETAILS_CHANGED,
        Change("organization", organization.id, organization.name, old, new),
    )
    if organization.stripe_customer_id and told:
        put_stripe(CUSTOMER_DETAILS, organization.stripe_customer_id, organization.id, told)
    details_changed(actor, organization, before, after)
    return organization


def _recipient(address: str) -> str:
    try:
        return clean_email(address, field="recipients")
    except InvalidInputError:
        message = f"{address.strip()[:80]} is no email address. Write one address a line."
        raise InvalidInputError(message, field="recipients") from None


def _write_recipients(organization_id: str, text: str) -> None:
    wanted, known = set(filter(None, text.split(", "))), set(recipients_of(organization_id))
    if gone := known - wanted:
        db.session.execute(
            delete(InvoiceRecipient).where(
                InvoiceRecipient.organization_id == organization_id, InvoiceRecipient.email.in_(gone)
            )
        )
    new = [
        {"organization_id": organization_id, "email": email, "created_at": utcnow()}
        for email in sorted(wanted - known)
    ]
    if new:
        db.session.execute(insert(InvoiceRecipient), new)
