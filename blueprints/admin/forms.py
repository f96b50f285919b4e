"""Forms of the staff area. Every action says why."""

from datetime import date
from decimal import Decimal
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, DecimalField, SelectField, TextAreaField
from wtforms.validators import InputRequired

from blueprints._forms import Cleaned, PortalForm
from portal.audit.reasons import clean_reason

AMOUNT_EXAMPLE = "1200.00"
WANTED_AMOUNT = f"Write an amount such as {AMOUNT_EXAMPLE}."
WANTED_DAY = "Write a day such as 2026-03-31."


class AmountField(DecimalField):
    """An amount in major units. `example` is one that fits the field, for who has written none."""

    data: Decimal

    def __init__(self, *args: Any, example: str = AMOUNT_EXAMPLE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Raises `ValueError` in words for people."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            has_comma = any("," in str(value) for value in valuelist)
            wanted = "a point, not a comma," if has_comma else "an amount"
            raise ValueError(f"Write {wanted} such as {self.example}.") from None


class DayField(DateField):
    """A day."""

    data: date

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Raises `ValueError` in words for people."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(WANTED_DAY) from None


class ReasonForm(PortalForm):
    """Why somebody acts for a customer. The customer reads it in their activity."""

    reason = TextAreaField("Reason", [InputRequired("Say why."), Cleaned(clean_reason)])


class PaymentForm(ReasonForm):
    """What came in for an invoice, and on which day."""

    amount = AmountField("Amount", [InputRequired(WANTED_AMOUNT)], places=None)
    paid_on = DayField("Paid on", [InputRequired(WANTED_DAY)])


class DocumentForm(ReasonForm):
    """A file of a contract."""

    document = FileField("File", [FileRequired("Choose a file.")])


class CustomerClassForm(ReasonForm):
    """A class of the portal file."""

    customer_class = SelectField("Customer class")
