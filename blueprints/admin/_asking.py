"""The one shape of a staff action: a page or dialog that asks for the reason, and the form that it sends."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, url_for

from blueprints._forms import carry_out
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints.admin.forms import ReasonForm


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


def answer(question: Question, form: ReasonForm, verb: Callable[[str], object], done: str) -> Response:
    """Carry `verb` out with the reason; what it refuses is shown beside the form, which keeps what was typed."""

    def run() -> bool:
        verb(str(form.reason.data))
        return True

    if carry_out(form, run) is None:
        return ask(question, form, 422)
    return redirect_to(question.back, done)
