"""Forms of API keys."""

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from blueprints._forms import PortalForm


class KeyForm(PortalForm):
    """A name that says what the key is for."""

    name = StringField(
        "Name", [InputRequired("Write a name."), Length(max=80, message="At most 80 characters.")]
    )
