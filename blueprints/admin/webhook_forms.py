"""Forms of the staff's page of webhooks."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from blueprints._forms import PortalForm
from blueprints.admin.forms import ReasonForm
from portal.errors import InvalidInputError
from portal.kit.clock import utcnow
from portal.stripe_mirror.event_log import EventFilter, asked_customer
from portal.stripe_mirror.models import EventStatus

STATUS_LABELS = {
    EventStatus.DEAD: "Given up",
    EventStatus.PENDING: "Waits",
    EventStatus.HANDLED: "Handled",
    EventStatus.IGNORED: "Not needed",
}
WANTED_MOMENT = "Write a time such as 2026-03-31 14:30."
MOMENT_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"]


class EventsForm(PortalForm):
    """What staff look for among the events; sent by its address, so that it can be kept and passed on."""

    class Meta:
        """Nothing is changed by it."""

        csrf = False

    status = SelectField(
        "Status",
        [Optional(), AnyOf(list(STATUS_LABELS), message="Choose a status from the list.")],
        choices=[
            SelectChoice("", "Any, given up first"),
            *(SelectChoice(status.value, label) for status, label in STATUS_LABELS.items()),
        ],
        validate_choice=False,
    )
    kind = StringField("Event", [Length(max=80, message="At most 80 characters.")])
    organization = StringField("Customer", [Length(max=120, message="At most 120 characters.")])

    def __init__(self) -> None:
        super().__init__(request.args)
        self.customer_id: str | None = None

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, then whom the customer's names."""
        is_valid = bool(super().validate(extra_validators))
        try:
            self.customer_id = asked_customer((self.organization.data or "").strip())
        except InvalidInputError as error:
            self.refuse(error)
            is_valid = False
        return is_valid

    def wanted(self) -> EventFilter:
        """The filter of a form that was found valid."""
        status = EventStatus(self.status.data) if self.status.data else None
        return EventFilter(status, (self.kind.data or "").strip(), self.customer_id)

    @property
    def given(self) -> dict[str, str]:
        """What was filled in, to be kept from page to page."""
        return {field.name: field.data for field in self if field.data}


class MomentField(DateTimeLocalField):
    """A time in UTC, to the minute; `data` is aware."""

    data: datetime

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Raises `ValueError` in words for people."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(WANTED_MOMENT) from None
        if self.data is not None:
            self.data = self.data.replace(tzinfo=UTC)


class ReplayForm(ReasonForm):
    """From when on events are handled again."""

    since = MomentField("Received since", [InputRequired(WANTED_MOMENT)], format=MOMENT_FORMATS)

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, and that the time is past."""
        is_valid = bool(super().validate(extra_validators))
        if is_valid and self.since.data > utcnow():
            self.since.errors, is_valid = ["Choose a time that is past."], False
        return is_valid


def a_day_ago() -> datetime:
    """What the form starts with: to the minute."""
    return (utcnow() - timedelta(days=1)).replace(second=0, microsecond=0)
