"""Forms of the profile."""

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from blueprints._forms import PortalForm


class ProfileForm(PortalForm):
    """A person's own name."""

    name = StringField(
        "Name", [InputRequired("Write your name."), Length(max=120, message="At most 120 characters.")]
    )
