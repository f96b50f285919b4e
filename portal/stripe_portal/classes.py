"""Which class of customer an organization is of: staff decide, and Stripe's pages follow."""

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.reasons import clean_reason
from portal.audit.service import Change, record
from portal.errors import ConflictError, InvalidInputError
from portal.identity.models import STANDARD_CLASS, Organization
from portal.identity.queries import organization_by_id
from portal.permissions import StaffRole
from portal.stripe_portal.file import read_portal_file
from portal.stripe_portal.queries import configuration_id


def class_labels() -> dict[str, str]:
    """What staff call each class, in the order of the portal file. Raises `PortalFileError`."""
    return {name: described.label for name, described in read_portal_file().classes.items()}


def set_customer_class(actor: Actor, customer_class: str, reason: str) -> Organization:
    """Put the actor's organization into a class; its next visit to Stripe's pages offers what that class may do.

    Raises `ForbiddenError`, `InvalidInputError` (reason, customer_class), and `ConflictError` for a class that
    `flask stripe configure` has not brought to Stripe yet: the organization could not open Stripe's pages any more.
    """
    actor.require_staff(StaffRole.LEAD)
    reason = clean_reason(reason)
    if customer_class not in class_labels():
        raise InvalidInputError("Choose one of these classes.", field="customer_class")
    if customer_class != STANDARD_CLASS and configuration_id(customer_class) is None:
        message = "This class is not at Stripe yet. Run flask stripe configure first."
        raise ConflictError(message, field="customer_class")
    organization = organization_by_id(actor.organization, lock=True)
    if organization.customer_class == customer_class:
        return organization
    before, after = {"customer_class": organization.customer_class}, {"customer_class": customer_class}
    organization.customer_class = customer_class
    change = Change("organization", organization.id, organization.name, before, after)
    record(actor, Action.CUSTOMER_CLASS_CHANGED, change, reason=reason)
    return organization
