"""The plan: choosing another one, ending it, and taking back what is planned. Stripe's pages confirm it."""

from typing import Any

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.billing import billing
from blueprints.billing._at_stripe import back_to_billing, go_to_stripe, new_token, the_click
from blueprints.billing.forms import SwitchForm
from portal.billing import switching
from portal.billing.plans import PlanNotSwitchableError, check_switchable
from portal.billing.switching import Choice, SwitchPreview
from portal.errors import InvalidInputError, NotFoundError, UnavailableError
from portal.gateways.stripe_api import StripeRefusedError
from portal.permissions import Permission
from portal.stripe_portal.visits import open_cancel_page, open_switch_page

SILENCE = (UnavailableError, StripeRefusedError, NotFoundError)


@billing.get("/plan")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def choose_plan() -> Response:
    """The plans to choose from; with one chosen also what it would cost. Nothing is changed here."""
    form = SwitchForm(request.args if "price" in request.args else None, meta={"csrf": False})
    return show_plans(form)


@billing.post("/plan/confirm")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def confirm_switch() -> Response:
    """Over to Stripe's page that confirms the chosen plan."""
    form = SwitchForm()
    if not form.validate():
        return show_plans(form, 422)
    try:
        return go_to_stripe(
            lambda actor, click: switching.open_switch_confirmation(
                actor, click, str(form.price.data), form.seats.data
            )
        )
    except InvalidInputError as error:
        form.refuse(error)
        return show_plans(form, 422)


@billing.post("/plan/switch")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def switch_plan() -> Response:
    """Over to Stripe's page for choosing another plan."""
    return go_to_stripe(open_switch_page)


@billing.post("/plan/cancel")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def cancel_plan() -> Response:
    """Over to Stripe's page that ends the plan, which asks once more."""
    return go_to_stripe(open_cancel_page)


@billing.post("/plan/keep")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def keep_plan() -> Response:
    """Take back that the plan is to end."""
    try:
        switching.keep_plan(current_actor(), the_click())
    except SILENCE as error:
        return back_to_billing(error)
    return redirect_to(url_for("billing.overview"), "Your plan goes on.")


@billing.post("/plan/release")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def release_change() -> Response:
    """Take back a change that waits for the end of the period."""
    try:
        switching.release_held_change(current_actor(), the_click())
    except SILENCE as error:
        return back_to_billing(error)
    return redirect_to(
        url_for("billing.overview"), "The planned change is taken back. Your plan stays as it is."
    )


def show_plans(form: SwitchForm, status: int = 200) -> Response:
    """The plans around a form, and what the chosen one costs if it can be chosen."""
    try:
        choice = switching.plan_choice(current_actor())
        preview = None if form.is_blank or form.errors else preview_of(choice, form)
    except SILENCE as error:
        return back_to_billing(error)
    if form.is_blank:
        form.seats.data = choice.plan.seats or 1
    context: dict[str, Any] = {"form": form, "choice": choice, "preview": preview, "click": new_token()}
    if is_fragment_request() and not form.is_blank:
        return fragment("billing/_plans.html", 422 if form.errors else status, **context)
    return page("billing/plan.html", 422 if form.errors else status, obstacle=obstacle(choice), **context)


def preview_of(choice: Choice, form: SwitchForm) -> SwitchPreview | None:
    """What the chosen plan would cost; None with the reason in the form where it cannot be chosen."""
    if not form.validate():
        return None
    try:
        offer = switching.choose(choice, str(form.price.data), form.seats.data)
    except (InvalidInputError, PlanNotSwitchableError) as error:
        form.refuse(error)
        return None
    return switching.preview_switch(current_actor(), choice, offer)


def obstacle(choice: Choice) -> str:
    """Why the plan cannot be switched as it stands, in words; "" where it can."""
    try:
        check_switchable(choice.plan)
    except PlanNotSwitchableError as error:
        return error.message
    return ""
