"""Which class of customer an organization is of: what Stripe's pages offer it."""

from flask import Response

from blueprints._actor import staff_actor
from blueprints._guards import staff_only
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask
from blueprints.admin.forms import CustomerClassForm
from portal.identity.models import Organization
from portal.identity.queries import organization_by_id
from portal.permissions import StaffRole
from portal.stripe_portal.classes import class_labels, set_customer_class

CLASS = "/organizations/<organization_id>/class"


@admin.get(CLASS)
@staff_only(StaffRole.LEAD)
def confirm_customer_class(organization_id: str) -> Response:
    """Ask for the class and the reason."""
    organization = organization_by_id(organization_id)
    form = customer_class_form(formdata=None, customer_class=organization.customer_class)
    return ask(about_class(organization), form)


@admin.post(CLASS)
@staff_only(StaffRole.LEAD)
def change_customer_class(organization_id: str) -> Response:
    """Put the organization into another class."""
    question, actor = about_class(organization_by_id(organization_id)), staff_actor(organization_id)
    form = customer_class_form()
    return answer(
        question,
        form,
        lambda reason: set_customer_class(actor, form.customer_class.data, reason),
        "The class is changed.",
    )


def customer_class_form(**given: object) -> CustomerClassForm:
    """The form with the classes of the portal file."""
    form = CustomerClassForm(**given)
    form.customer_class.choices = list(class_labels().items())
    return form


def about_class(organization: Organization) -> Question:
    """What another class means."""
    consequence = (
        "From the next visit on, Stripe's pages offer what the class may do. The plan stays as it is."
    )
    return Question(
        organization.id,
        f"Change the customer class of {organization.name}",
        consequence,
        "Save class",
        "plan",
    )
