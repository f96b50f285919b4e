"""The filter of the log: a form that is sent by its address, so that it can be kept and passed on."""

from datetime import date
from typing import Any

from flask import request
from wtforms import SelectField, StringField, ValidationError
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Optional

from blueprints._forms import PortalForm
from portal.audit.groups import action_choices
from portal.audit.people import KIND_LABELS, Asked, asked_in_team, name_in_log, team_choices
from portal.audit.queries import LogFilter
from portal.errors import InvalidInputError

EARLIEST, LATEST = 1970, 9000


def check_day(_form: object, field: Any) -> None:
    """Raises `ValidationError` unless the field holds a day."""
    if read_day(field.data) is None:
        raise ValidationError("Write a day such as 2026-03-31.")


def check_action(_form: object, field: Any) -> None:
    """Raises `ValidationError` for a value that is not in the list."""
    if field.data not in {value for _, choices in action_choices() for value, _ in choices}:
        raise ValidationError("Choose an action from the list.")


def read_day(text: str | None) -> date | None:
    """The day that the text names; None if it names none."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if EARLIEST <= day.year <= LATEST else None


def choices(anything: str, groups: dict[str, list[tuple[str, str]]]) -> list[Any]:
    """A select's choices in groups, after the one that does not choose."""
    listed = [
        SelectChoice(value, text, optgroup=name) for name, some in groups.items() for value, text in some
    ]
    return [SelectChoice("", anything), *listed]


class LogForm(PortalForm):
    """What every reader of the log may choose by."""

    class Meta:
        """Nothing is changed by it."""

        csrf = False

    action = SelectField("Action", [Optional(), check_action], validate_choice=False)
    first = StringField("From", [Optional(), check_day], name="from")
    last = StringField("To", [Optional(), check_day], name="to")

    def __init__(self, organization_id: str | None = None) -> None:
        super().__init__(request.args)
        self.organization_id = organization_id
        self.asked = Asked()
        self.action.choices = choices("Anything", dict(action_choices()))

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, then what they mean together."""
        is_valid = bool(super().validate(extra_validators))
        first, last = read_day(self.first.data), read_day(self.last.data)
        if is_valid and first and last and last < first:
            self.last.errors = ["The last day is before the first."]
            is_valid = False
        try:
            self.find()
        except InvalidInputError as error:
            self.refuse(error)
            is_valid = False
        return is_valid

    def find(self) -> None:
        """Look up whom and what the values name. Raises `InvalidInputError`."""

    def wanted(self) -> LogFilter:
        """The filter of a form that was found valid."""
        return LogFilter(
            organization_id=self.organization_id,
            actor_kind=self.asked.kind,
            actor_id=self.asked.actor_id,
            action=self.action.data or None,
            first=read_day(self.first.data),
            last=read_day(self.last.data),
        )

    @property
    def given(self) -> dict[str, str]:
        """What was filled in, to be kept from page to page."""
        return {field.name: field.data for field in self if field.data}


class ActivityForm(LogForm):
    """The log of one organization."""

    person = SelectField("Person", [Optional()], validate_choice=False)

    def __init__(self, organization_id: str) -> None:
        super().__init__(organization_id)
        team = [(row.id, row.name) for row in team_choices(organization_id)]
        others = [(kind.value, label) for kind, label in KIND_LABELS.items()]
        self.listed = choices("Anybody", {"Team": team, "Others": others})
        self.person.choices = self.listed

    def find(self) -> None:
        """Raises `InvalidInputError` for somebody who is unknown in this organization."""
        value, organization_id = self.person.data or "", str(self.organization_id)
        self.asked = asked_in_team(organization_id, value)
        if value not in {choice.value for choice in self.listed}:
            name = name_in_log(organization_id, value) or "Somebody of the team"
            self.person.choices = [*self.listed, SelectChoice(value, name, optgroup="Others")]
