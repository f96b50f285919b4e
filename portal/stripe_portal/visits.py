"""Visits to Stripe's Customer Portal: who may go, where to, and that a double click is one visit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from portal import links
from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change, record
from portal.billing.plans import NoPlanError, current_plan
from portal.billing.queries import ClosedCustomerError, require_open_customer
from portal.context import stripe
from portal.contracts.service import refuse_contract
from portal.errors import ConflictError
from portal.extensions import release_connection
from portal.gateways.stripe_objects import (
    CancelPlan,
    ChangeCard,
    Home,
    PortalFlow,
    SubscriptionSnapshot,
    SwitchPlan,
)
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.tokens import digest
from portal.permissions import Permission
from portal.stripe_portal.queries import Feature, configuration_for, require_feature

KEY_LENGTH = 48
FEATURES = {
    Action.CARD_PAGE_OPENED: Feature.CARD,
    Action.CANCEL_PAGE_OPENED: Feature.CANCEL,
    Action.SWITCH_PAGE_OPENED: Feature.SWITCH,
    Action.PLAN_KEPT: Feature.CANCEL,
    Action.HELD_CHANGE_RELEASED: Feature.SWITCH,
}
"""What the class must be allowed: Stripe refuses its deep links otherwise, and what staff planned stays planned."""
ONE_VISIT = timedelta(minutes=1)
"""How long the same form means the same visit. Stripe's answer to a used key is the old address, good for 5 minutes."""


class NoStripeCustomerError(ConflictError):
    """The organization pays by contract: there is no card to change."""

    title = "There is no card"

    def __init__(self) -> None:
        super().__init__("This organization pays by contract and has no card. Write to your account manager.")


@dataclass(frozen=True, slots=True)
class Click:
    """What a form for Stripe brings along: `token`, made anew with each page, and the visitor's language.

    `locale` is one of Stripe's (`PORTAL_LOCALES`).
    """

    token: str
    locale: str = "auto"


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that the actor has done at Stripe: as whom, with which portal configuration, under which key."""

    actor: Actor
    customer_id: str
    configuration: str | None
    organization_name: str
    key: str


def start_errand(
    actor: Actor, action: Action, click: Click, *, changes_plan: bool, choice: str = ""
) -> Errand:
    """Look up what is needed and let go of the database. The idempotency key is the same for a form sent twice
    within `ONE_VISIT`; a page that stays open leads to Stripe anew.

    `choice` is what the form chose, if anything: another choice is another errand. Raises `ForbiddenError`,
    `NoStripeCustomerError`, `ClosedCustomerError`, `ContractPlanError`, `NotConfiguredError`, `NotOfferedError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    organization = organization_by_id(actor.organization)
    if changes_plan:
        refuse_contract(organization)
    if organization.stripe_customer_id is None:
        raise NoStripeCustomerError
    require_open_customer(organization)
    if action in FEATURES:
        require_feature(organization, FEATURES[action])
    done = f"{actor.organization}:{actor.id}:{action.value}:{choice}:{click.token}"
    errand = Errand(
        actor,
        organization.stripe_customer_id,
        configuration_for(organization),
        organization.name,
        _key(organization, digest(done)[:KEY_LENGTH]),
    )
    release_connection()
    return errand


def _key(organization: Organization, form: str) -> str:
    """The key of the last visit where it was this form's a moment ago, else one of this minute.

    Of this minute, so that clicks at the same time, which find nothing remembered yet, are one visit too.
    """
    last, now = organization.stripe_visit_key or "", utcnow()
    visited_at = organization.stripe_visited_at
    if last.startswith(f"{form}-") and visited_at is not None and now - visited_at < ONE_VISIT:
        return last
    return f"{form}-{int(now.timestamp() // ONE_VISIT.total_seconds())}"


def finish_errand(errand: Errand, action: Action, change: Change) -> None:
    """Put down that it was done. The second half of a double click finds it put down and adds nothing."""
    organization = organization_by_id(errand.actor.organization, lock=True)
    if organization.stripe_visit_key == errand.key:
        return
    organization.stripe_visit_key = errand.key
    organization.stripe_visited_at = utcnow()
    record(errand.actor, action, change)


def plan_at_stripe(errand: Errand) -> SubscriptionSnapshot:
    """The plan as Stripe has it now. Raises `NoPlanError`, `ClosedCustomerError`, `StripeUnavailableError`."""
    customer = stripe().customer(errand.customer_id, tries=1)
    if customer.is_deleted:
        raise ClosedCustomerError
    plan = current_plan(customer.subscriptions)
    if plan is None:
        raise NoPlanError
    return plan


def open_home_page(actor: Actor, click: Click) -> str:
    """The address of Stripe's start page for this customer. Never log or store it.

    Raises what `start_errand` raises, and `StripeUnavailableError`. From there the plan could be changed.
    """
    errand = start_errand(actor, Action.BILLING_HOME_OPENED, click, changes_plan=True)
    return _open(errand, Action.BILLING_HOME_OPENED, click, Home())


def open_card_page(actor: Actor, click: Click) -> str:
    """The address of Stripe's page for changing the card. See `open_home_page`."""
    errand = start_errand(actor, Action.CARD_PAGE_OPENED, click, changes_plan=False)
    return _open(errand, Action.CARD_PAGE_OPENED, click, ChangeCard())


def open_cancel_page(actor: Actor, click: Click) -> str:
    """The address of Stripe's page for ending the plan. See `open_home_page`; also `NoPlanError`."""
    return _open_for_plan(actor, Action.CANCEL_PAGE_OPENED, click, lambda plan: CancelPlan(plan.id))


def open_switch_page(actor: Actor, click: Click) -> str:
    """The address of Stripe's page for choosing another plan. See `open_home_page`; also `NoPlanError`."""
    return _open_for_plan(actor, Action.SWITCH_PAGE_OPENED, click, lambda plan: SwitchPlan(plan.id))


def open_for_plan(
    errand: Errand, action: Action, click: Click, flow: PortalFlow, plan: SubscriptionSnapshot
) -> str:
    """The address of Stripe's page for `flow`, which is about `plan`."""
    return _open(errand, action, click, flow, Change("subscription", plan.id, plan.plan_name))


def _open_for_plan(
    actor: Actor, action: Action, click: Click, flow_of: Callable[[SubscriptionSnapshot], PortalFlow]
) -> str:
    errand = start_errand(actor, action, click, changes_plan=True)
    plan = plan_at_stripe(errand)
    return open_for_plan(errand, action, click, flow_of(plan), plan)


def _open(
    errand: Errand, action: Action, click: Click, flow: PortalFlow, change: Change | None = None
) -> str:
    url = stripe().open_portal(
        errand.customer_id,
        flow,
        return_url=links.back_from_stripe(),
        configuration=errand.configuration,
        locale=click.locale,
        idempotency_key=errand.key,
    )
    about = Change("organization", errand.actor.organization, errand.organization_name)
    finish_errand(errand, action, change or about)
    return url
