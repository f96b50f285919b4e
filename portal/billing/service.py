"""Verbs of billing that start in our own screens."""

from portal import links
from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.announcements import details_changed
from portal.billing.queries import portal_configuration_id
from portal.context import stripe
from portal.errors import ConflictError
from portal.extensions import release_connection
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.text import clean_email, clean_line
from portal.notifications.outbox import put_stripe
from portal.permissions import Permission
from portal.team.authority import lock_organization


class NoStripeCustomerError(ConflictError):
    """The organization pays by contract: there is no card to change."""

    def __init__(self) -> None:
        super().__init__("This organization pays by contract and has no card. Write to your account manager.")


def change_details(actor: Actor, name: str, billing_email: str) -> Organization:
    """Change the company name and billing mail; Stripe is told by the outbox, people by the event.

    Raises `InvalidInputError` naming the field.
    """
    actor.require(Permission.BILLING_MANAGE)
    name = clean_line(name, field="name", maximum=120, label="The company name")
    billing_email = clean_email(billing_email, field="billing_email")
    organization = lock_organization(actor, Permission.BILLING_MANAGE)
    before = {"name": organization.name, "billing_email": organization.billing_email}
    after = {"name": name, "billing_email": billing_email}
    if before == after:
        return organization
    organization.name, organization.billing_email = name, billing_email
    record(
        actor,
        Action.BILLING_DETAILS_CHANGED,
        Change("organization", organization.id, name, *_differences(before, after)),
    )
    if organization.stripe_customer_id:
        put_stripe("customer-details", organization.stripe_customer_id, organization.id)
    details_changed(actor, organization, before, after)
    return organization


def open_card_page(actor: Actor) -> str:
    """The address of Stripe's page for changing the card; it leads back to the billing screen.

    Raises `ForbiddenError`, `NoStripeCustomerError`, `StripeUnavailableError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    customer_id = organization_by_id(actor.organization).stripe_customer_id
    if customer_id is None:
        raise NoStripeCustomerError
    configuration = portal_configuration_id()
    release_connection()
    url = stripe().open_portal(customer_id, return_url=links.billing(), configuration=configuration)
    organization = organization_by_id(actor.organization, lock=True)
    organization.stripe_visited_at = utcnow()
    record(actor, Action.CARD_PAGE_OPENED, Change("organization", organization.id, organization.name))
    return url


def _differences(before: dict[str, str], after: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    changed = [key for key in before if before[key] != after[key]]
    return {key: before[key] for key in changed}, {key: after[key] for key in changed}
