"""The one shape of a staff action: a page or dialog that asks for the reason, and the form that it sends."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for

from blueprints._actor import require_signed_in
from blueprints._forms import carry_out
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints.admin.forms import ReasonForm
from portal.permissions import StaffRole, staff_allows


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a heading, what will happen in words, and the verb on the button.

    `section` is the part of the organization's page that it is about, and that is shown again afterwards.
    """

    organization_id: str
    title: str
    consequence: str
    verb: str
    section: str
    is_harmful: bool = False

    @property
    def who_reads(self) -> str:
        """Where the reason stands afterwards."""
        return "The customer reads it in their activity."

    @property
    def back(self) -> str:
        """The organization's page, where it was asked."""
        return url_for("admin.organization_page", organization_id=self.organization_id, _anchor=self.section)

    @property
    def back_label(self) -> str:
        """What the way back is called."""
        return "Organization"


def ask(question: Question, form: ReasonForm, status: int = 200) -> Response:
    """The question around its form, as a dialog for HTMX and as a page otherwise."""
    if is_fragment_request():
        return fragment("admin/_action_dialog.html", status, question=question, form=form)
    return page("admin/action.html", status, question=question, form=form)


def may_act() -> bool:
    """Whether who looks at a staff page is a lead, and in no view of a customer: then its actions are shown."""
    session = require_signed_in()
    held = session.staff_role
    return session.view is None and held is not None and staff_allows(held, StaffRole.LEAD)


def answer(question: Question, form: ReasonForm, verb: Callable[[str], object], done: str) -> Response:
    """Carry `verb` out with the reason; what it refuses is shown beside the form, which keeps what was typed."""

    def run() -> bool:
        verb(str(form.reason.data))
        return True

    if carry_out(form, run) is None:
        return ask(question, form, 422)
    return redirect_to(question.back, done)
