"""Staff open and close screens: to a percentage of organizations, or to one."""

from dataclasses import dataclass
from typing import Any

from flask import Response, url_for
from wtforms import IntegerField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, InputRequired, NumberRange, StopValidation

from blueprints._actor import staff_actor
from blueprints._guards import staff_only
from blueprints._htmx import page
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask, may_act
from blueprints.admin.forms import ReasonForm
from portal.audit.people import asked_organization
from portal.errors import NotFoundError
from portal.permissions import StaffRole
from portal.rollout.hashing import FULL
from portal.rollout.overview import FlagState, all_flags, latest_changes
from portal.rollout.service import set_for_organization, set_percent
from portal.scope import SCREENS

STATES = {"on": True, "off": False, "percent": None}
STATE_CHOICES = [
    SelectChoice("on", "Open"),
    SelectChoice("off", "Closed"),
    SelectChoice("percent", "As the percentage says"),
]
WANTED_PERCENT = "Give a whole number from 0 to 100."


class PercentField(IntegerField):
    """A whole number, with one message whatever is wrong with it."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Raises `ValueError` in words for people."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(WANTED_PERCENT) from None

    def pre_validate(self, form: BaseForm) -> None:
        """What is no number is told once, not also as one out of range. Raises `StopValidation`."""
        if self.process_errors:
            raise StopValidation


class PercentForm(ReasonForm):
    """To how many of 100 organizations."""

    percent = PercentField(
        "Percent of organizations",
        [InputRequired(WANTED_PERCENT), NumberRange(0, FULL, message=WANTED_PERCENT)],
    )


class OrganizationFlagForm(ReasonForm):
    """One organization, whatever the percentage says."""

    organization = StringField("Organization", [DataRequired("Name an organization.")])
    flag_state = SelectField("The screen is", choices=STATE_CHOICES, default="on")


@dataclass(frozen=True, slots=True)
class FlagQuestion(Question):
    """Asked on the page of flags."""

    @property
    def back(self) -> str:
        """Where it was asked."""
        return url_for("admin.flags")

    @property
    def back_label(self) -> str:
        """What the way back is called."""
        return "Flags"

    @property
    def who_reads(self) -> str:
        """One organization's flag stands in its log, a percentage in the audit log of staff."""
        return (
            "The customer reads it in their activity."
            if self.section == "one"
            else "It stands in the audit log."
        )


@admin.get("/flags")
@staff_only(StaffRole.SUPPORT)
def flags() -> Response:
    """Every screen, to whom it is open, and the latest changes."""
    return page(
        "admin/flags.html",
        flags=[flag for flag in all_flags() if flag.screen.can_be_closed],
        always_open=[screen.label for screen in SCREENS if not screen.can_be_closed],
        labels={screen.name: screen.label for screen in SCREENS},
        changes=latest_changes(),
        may_act=may_act(),
    )


@admin.get("/flags/<screen>/percent")
@staff_only(StaffRole.LEAD)
def confirm_flag_percent(screen: str) -> Response:
    """Ask for the percentage and the reason."""
    flag = flag_of(screen)
    return ask(about_percent(flag), PercentForm(formdata=None, percent=flag.percent))


@admin.post("/flags/<screen>/percent")
@staff_only(StaffRole.LEAD)
def change_flag_percent(screen: str) -> Response:
    """Open the screen to a percentage of organizations."""
    question, form, actor = about_percent(flag_of(screen)), PercentForm(), staff_actor(None)
    return answer(
        question,
        form,
        lambda reason: set_percent(actor, screen, form.percent.data or 0, reason),
        "The percentage is saved.",
    )


@admin.get("/flags/<screen>/organization")
@staff_only(StaffRole.LEAD)
def confirm_flag_organization(screen: str) -> Response:
    """Ask for the organization, whether it is open to it, and the reason."""
    return ask(about_organization(flag_of(screen)), OrganizationFlagForm(formdata=None))


@admin.post("/flags/<screen>/organization")
@staff_only(StaffRole.LEAD)
def change_flag_organization(screen: str) -> Response:
    """Open or close the screen to one organization."""
    question, form = about_organization(flag_of(screen)), OrganizationFlagForm()

    def change(reason: str) -> None:
        actor = staff_actor(asked_organization(str(form.organization.data).strip()))
        set_for_organization(actor, screen, STATES[form.flag_state.data], reason)

    return answer(question, form, change, "The flag of this organization is saved.")


def flag_of(screen: str) -> FlagState:
    """How the flag of a screen that has one stands. Raises `NotFoundError`."""
    for flag in all_flags():
        if flag.screen.name == screen and flag.screen.can_be_closed:
            return flag
    raise NotFoundError


def about_percent(flag: FlagState) -> FlagQuestion:
    """What a percentage means."""
    consequence = (
        f"{flag.screen.label} is open to {flag.open_to} of {flag.organizations} organizations now. Those it is closed "
        "to do not see it and are told how to get it done meanwhile. Organizations decided one by one stay as they are."
    )
    return FlagQuestion(
        "", f"Open {flag.screen.label} to a percentage", consequence, "Save percentage", "all"
    )


def about_organization(flag: FlagState) -> FlagQuestion:
    """What deciding for one organization means."""
    consequence = (
        f"It wins over the percentage, now {flag.percent}%. The people there see the change at once."
    )
    return FlagQuestion(
        "", f"{flag.screen.label} for one organization", consequence, "Save for this organization", "one"
    )
