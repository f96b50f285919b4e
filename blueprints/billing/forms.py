"""Forms of billing."""

from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional

from blueprints._forms import PortalForm


class SwitchForm(PortalForm):
    """The plan that somebody would switch to. Empty seats: as many as now."""

    price = StringField("Plan", [InputRequired("Choose a plan."), Length(max=255)])
    seats = IntegerField("Seats", [Optional()])

    @property
    def is_blank(self) -> bool:
        """Whether nothing was chosen yet."""
        return self.price.raw_data is None
