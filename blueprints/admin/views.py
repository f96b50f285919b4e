"""View as the customer: into the screens of one organization, read-only, and out again."""

from flask import Response, url_for

from blueprints._actor import leave_view, require_signed_in, staff_actor
from blueprints._forms import carry_out
from blueprints._guards import staff_only
from blueprints._htmx import redirect_to
from blueprints.admin import admin
from blueprints.admin._asking import Question, ask
from blueprints.admin.forms import ReasonForm
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.permissions import StaffRole
from portal.support.views import start_view


@admin.get("/organizations/<organization_id>/view")
@staff_only(StaffRole.SUPPORT)
def confirm_view(organization_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_view(organization_by_id(organization_id)), ReasonForm(formdata=None))


@admin.post("/organizations/<organization_id>/view")
@staff_only(StaffRole.SUPPORT)
def view_as_customer(organization_id: str) -> Response:
    """Start, and go to the first screen that an owner sees."""
    question = about_view(organization_by_id(organization_id))
    form = ReasonForm()
    actor, session_id = staff_actor(organization_id), require_signed_in().session_id
    started = carry_out(form, lambda: start_view(actor, session_id, str(form.reason.data)))
    return redirect_to(url_for("account.start")) if started else ask(question, form, 422)


@admin.post("/view/end")
@staff_only(StaffRole.SUPPORT)
def end_view() -> Response:
    """Back to the organization's page; to the list where the view was over already."""
    view = require_signed_in().view
    leave_view()
    if view is None:
        return redirect_to(url_for("admin.organizations"), "The view was over already.", "info")
    back = url_for("admin.organization_page", organization_id=view.organization_id)
    return redirect_to(back, f"You no longer view {view.organization_name}.", "info")


def about_view(organization: Organization) -> Question:
    """What viewing an organization means."""
    return Question(
        organization.id,
        f"View as an owner of {organization.name}",
        "For 30 minutes you see what an owner sees, and nothing can be changed. The owners are told, "
        "and their activity shows your name and the reason.",
        "Start the view",
        "people",
    )
