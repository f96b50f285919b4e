"""Switching the plan: shown before it is confirmed at Stripe, and taken back while it has not happened."""

from dataclasses import dataclass
from datetime import datetime

from portal.actor import Actor
from portal.audit.actions import Action
from portal.audit.service import Change
from portal.billing.plans import (
    NoPlanError,
    PlanOffer,
    SwitchRules,
    check_switchable,
    current_plan,
    plan_offers,
    switch_rules,
)
from portal.billing.queries import require_open_customer
from portal.context import stripe
from portal.contracts.service import refuse_contract
from portal.errors import InvalidInputError
from portal.extensions import release_connection
from portal.gateways.stripe_objects import ConfirmSwitch, PreviewSnapshot, SubscriptionSnapshot
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.kit.clock import utcnow
from portal.kit.money import Money
from portal.permissions import Permission
from portal.stripe_portal.visits import (
    Click,
    NoStripeCustomerError,
    finish_errand,
    open_for_plan,
    plan_at_stripe,
    start_errand,
)
from portal.team.queries import seats_in_use

DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
MOST_SEATS = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """The plan as it is, and everything that it can be switched to. `seats_in_use` counts members and invitations."""

    plan: SubscriptionSnapshot
    offers: tuple[PlanOffer, ...]
    rules: SwitchRules
    seats_in_use: int

    @property
    def has_adjustable_seats(self) -> bool:
        """Whether the number of seats can be chosen with some of the plans."""
        return any(offer.seats is not None and offer.product.has_adjustable_seats for offer in self.offers)


@dataclass(frozen=True, slots=True)
class SwitchPreview:
    """What a switch would cost. `starts_at` None: at once; else it waits for the end of the paid period.

    `charge` is the next charge after a switch at once, with its parts, before it is confirmed; None where it waits.
    `is_due_now` says that it is made as soon as the switch is confirmed.
    """

    offer: PlanOffer
    starts_at: datetime | None
    charge: PreviewSnapshot | None
    is_due_now: bool

    @property
    def due_now(self) -> Money:
        """What is charged when the switch is confirmed."""
        is_now = self.charge is not None and self.is_due_now
        return Money(self.charge.due_minor if self.charge and is_now else 0, self.offer.price.currency)


def plan_choice(actor: Actor) -> Choice:
    """What the actor's organization may choose from, as of now at Stripe.

    Raises `ForbiddenError`, `ContractPlanError`, `NoStripeCustomerError`, `ClosedCustomerError`, `NoPlanError`,
    `StripeUnavailableError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    organization = organization_by_id(actor.organization)
    refuse_contract(organization)
    if organization.stripe_customer_id is None:
        raise NoStripeCustomerError
    require_open_customer(organization)
    customer_id = organization.stripe_customer_id
    release_connection()
    plan = current_plan(stripe().customer(customer_id, tries=1).subscriptions)
    if plan is None:
        raise NoPlanError
    return choice_for(organization_by_id(actor.organization), plan)


def choice_for(organization: Organization, plan: SubscriptionSnapshot) -> Choice:
    """Everything that this plan of the organization can be switched to."""
    rules, used = switch_rules(organization), seats_in_use(organization.id)
    return Choice(plan, tuple(plan_offers(organization, plan)), rules, used)


def choose(choice: Choice, price_id: str, seats: int | None) -> PlanOffer:
    """The offer that was chosen; `seats` None or not for the customer to change: as many as now.

    Raises `PlanNotSwitchableError`, and `InvalidInputError` naming `price` or `seats`.
    """
    check_switchable(choice.plan)
    offer = next((item for item in choice.offers if item.price.id == price_id), None)
    if offer is None:
        raise InvalidInputError("Choose one of these plans.", field="price")
    if seats is not None and offer.seats is not None and offer.product.has_adjustable_seats:
        least, most = offer.product.minimum or 1, offer.product.maximum or MOST_SEATS
        if not least <= seats <= most:
            raise InvalidInputError(f"Write a number from {least} to {most}.", field="seats")
        offer = offer.with_seats(seats)
    _refuse_too_few_seats(choice, offer)
    if offer.is_present and offer.seats == choice.plan.seats:
        raise InvalidInputError("This is the plan that you have. Choose another one.", field="price")
    return offer


def _refuse_too_few_seats(choice: Choice, offer: PlanOffer) -> None:
    """People keep their seats: nobody chooses fewer than are in use, nor cuts a plan that is too small already."""
    if offer.seats is None or not offer.product.has_adjustable_seats:
        return
    least = min(choice.seats_in_use, choice.plan.seats or choice.seats_in_use)
    if offer.seats < least:
        raise InvalidInputError(
            f"Your team needs {choice.seats_in_use} seats, with open invitations. "
            "Remove people or take invitations back first, on the team page.",
            field="seats",
        )


def preview_switch(actor: Actor, choice: Choice, offer: PlanOffer) -> SwitchPreview:
    """What the switch would cost, asked of Stripe; nothing is changed.

    Raises `ForbiddenError`, `NoStripeCustomerError`, `StripeUnavailableError`, `StripeRefusedError`.
    """
    actor.require(Permission.BILLING_MANAGE)
    customer_id = organization_by_id(actor.organization).stripe_customer_id
    release_connection()
    plan = choice.plan
    if customer_id is None or plan.item_id is None:
        raise NoStripeCustomerError
    if is_held(plan, offer, choice.rules):
        return SwitchPreview(offer, plan.period_ends_at, None, is_due_now=False)
    charge = stripe().preview_switch(
        customer_id,
        plan.id,
        plan.item_id,
        offer.price.id,
        offer.seats or 1,
        proration_at=utcnow(),
        proration=choice.rules.proration,
    )
    is_due_now = choice.rules.proration == "always_invoice" or _starts_new_period(plan, offer)
    return SwitchPreview(offer, None, charge, is_due_now)


def open_switch_confirmation(actor: Actor, click: Click, price_id: str, seats: int | None) -> str:
    """The address of Stripe's page where the chosen plan is confirmed. Never log or store it.

    Raises what `plan_choice` and `choose` raise, and `NotConfiguredError`.
    """
    action = Action.SWITCH_PAGE_OPENED
    errand = start_errand(actor, action, click, changes_plan=True, choice=f"{price_id}:{seats}")
    plan = plan_at_stripe(errand)
    choice = choice_for(organization_by_id(actor.organization), plan)
    offer = choose(choice, price_id, seats)
    flow = ConfirmSwitch(plan.id, str(plan.item_id), offer.price.id, offer.seats or 1)
    return open_for_plan(errand, action, click, flow, plan)


def keep_plan(actor: Actor, click: Click) -> None:
    """Take a planned end back at Stripe; a plan that goes on anyway is left alone.

    The change itself is told of when it is read back, as every change that is made at Stripe. Raises what
    `start_errand` raises, `NoPlanError`, `StripeUnavailableError`, `StripeRefusedError`.
    """
    errand = start_errand(actor, Action.PLAN_KEPT, click, changes_plan=True)
    plan = plan_at_stripe(errand)
    if plan.ends_at is None:
        return
    stripe().keep_subscription(plan.id, idempotency_key=errand.key)
    ending = {"cancel_at_period_end": True}, {"cancel_at_period_end": False}
    finish_errand(errand, Action.PLAN_KEPT, Change("subscription", plan.id, plan.plan_name, *ending))


def release_held_change(actor: Actor, click: Click) -> None:
    """Take a change back that waits for the end of the period; nothing happens where none waits. See `keep_plan`."""
    errand = start_errand(actor, Action.HELD_CHANGE_RELEASED, click, changes_plan=True)
    plan = plan_at_stripe(errand)
    if plan.held is None:
        return
    stripe().release_schedule(plan.held.schedule_id, idempotency_key=errand.key)
    planned = {"held_plan_name": plan.held.plan_name}, {"held_plan_name": None}
    change = Change("subscription", plan.id, plan.plan_name, *planned)
    finish_errand(errand, Action.HELD_CHANGE_RELEASED, change)


def is_held(plan: SubscriptionSnapshot, offer: PlanOffer, rules: SwitchRules) -> bool:
    """Whether Stripe's portal lets this switch wait (docs: portal configuration, `schedule_at_period_end`)."""
    price = offer.price
    new, old = (
        DAYS[price.interval] * price.interval_count,
        DAYS[plan.interval] * plan.interval_count,
    )
    is_cheaper = (
        offer.cost is not None and plan.amount_minor is not None and offer.cost.minor < plan.amount_minor
    )
    return ("shortening_interval" in rules.held and new < old) or (
        "decreasing_item_amount" in rules.held and is_cheaper
    )


def _starts_new_period(plan: SubscriptionSnapshot, offer: PlanOffer) -> bool:
    """A switch to another interval begins a period, and charges it, at once (docs: prorations)."""
    return (offer.price.interval, offer.price.interval_count) != (plan.interval, plan.interval_count)
