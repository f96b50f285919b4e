"""Forms of billing."""

from wtforms import StringField
from wtforms.validators import InputRequired, Length

from blueprints._forms import Cleaned, PortalForm
from portal.kit.text import clean_email


class DetailsForm(PortalForm):
    """What stands on the next invoices, and where they go."""

    name = StringField(
        "Company name",
        [InputRequired("Write the company name."), Length(max=120, message="At most 120 characters.")],
    )
    billing_email = StringField(
        "Billing email", [InputRequired("Write an email address."), Cleaned(clean_email)]
    )
