"""Forms of the ticket audits."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

from flask import request
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from blueprints._forms import PortalForm
from blueprints.admin.forms import AmountField, DayField
from portal.errors import InvalidInputError
from portal.inbox.plan import AuditPlan
from portal.inbox.queries import Settled, TicketFilter
from portal.inbox.reasons import all_reasons
from portal.inbox.service import DEFAULT_CURRENCY, SentFile
from portal.inbox.tagging import usable_taggers
from portal.kit.money import Money, TooManyDigitsError, UnknownCurrencyError

TAGGER_LABELS = {"default": "Words and a small model", "e5": "Sentence vectors (slower, surer)"}
SHOW_LABELS = {
    Settled.UNCLEAR: "Unclear ones",
    Settled.PINNED: "Settled by a person",
    Settled.ANY: "All",
}
REASONS = [SelectChoice(reason.key, reason.title) for reason in all_reasons().values()]
WANTED_REASON = "Choose a reason from the list."
LEAVE = "leave"
COST_EXAMPLE = "0.75"


class TicketAuditForm(PortalForm):
    """Files to audit, and what counts."""

    files = MultipleFileField("Files")
    since = DayField("From", [Optional()])
    until = DayField("To", [Optional()])
    minute_cost = AmountField("What a minute costs", [Optional()], places=None, example=COST_EXAMPLE)
    currency = StringField("Currency", [Length(max=3, message="Three letters such as USD.")], default="USD")
    tagger = SelectField(
        "How reasons are found",
        choices=lambda: [SelectChoice(name, TAGGER_LABELS[name]) for name in usable_taggers()],
        validate_choice=False,
    )
    retag = BooleanField("Tag again")

    def sent(self) -> list[SentFile]:
        """The files that were chosen."""
        return [SentFile(each.filename, each.read()) for each in self.files.data or () if each.filename]

    def plan(self) -> AuditPlan:
        """What is asked; the last day counts whole, days are UTC. Raises `InvalidInputError`."""
        since, until = cast(date | None, self.since.data), cast(date | None, self.until.data)
        return AuditPlan(
            since=datetime.combine(since, time(), UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), UTC) if until else None,
            minute_cost=self._minute_cost(),
            tagger=self.tagger.data,
            retag=self.retag.data,
        )

    def _minute_cost(self) -> Money | None:
        amount = cast(Decimal | None, self.minute_cost.data)
        if amount is None:
            return None
        try:
            return Money.from_decimal(amount, (self.currency.data or DEFAULT_CURRENCY).strip().lower())
        except UnknownCurrencyError:
            raise InvalidInputError("Three letters such as USD.", field="currency") from None
        except TooManyDigitsError:
            message = f"Write an amount such as {COST_EXAMPLE}."
            raise InvalidInputError(message, field="minute_cost") from None


class TicketsForm(PortalForm):
    """Which stored tickets are looked at; sent by its address."""

    class Meta:
        """Nothing is changed by it."""

        csrf = False

    show = SelectField(
        "Show",
        [Optional(), AnyOf(list(SHOW_LABELS), message="Choose from the list.")],
        choices=[SelectChoice(show.value, label) for show, label in SHOW_LABELS.items()],
        validate_choice=False,
    )
    reason = SelectField(
        "Reason",
        [Optional(), AnyOf(list(all_reasons()), message=WANTED_REASON)],
        choices=[SelectChoice("", "Any"), *REASONS],
        validate_choice=False,
    )

    def __init__(self) -> None:
        super().__init__(request.args)

    def wanted(self) -> TicketFilter:
        """The filter of a form that was found valid."""
        return TicketFilter(Settled(self.show.data or Settled.UNCLEAR), self.reason.data or "")

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, to be kept from page to page."""
        return {field.name: field.data for field in self if field.data}


class PinForm(PortalForm):
    """The reason that a person settles, or `LEAVE` to take back what was settled."""

    reason = SelectField("Reason", [InputRequired(WANTED_REASON)], choices=REASONS, validate_choice=False)
