"""Forms of notifications. Ticked boxes arrive as a list of values; one that is no box of the page changes nothing."""

from wtforms import RadioField, SelectMultipleField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from blueprints._forms import PortalForm
from portal.notifications.models import Digest

DIGEST_LABELS = {
    Digest.NONE: "One by one, as things happen",
    Digest.DAILY: "What may wait in one mail a day, at 08:00 UTC",
}


class ChoicesForm(PortalForm):
    """Of which events somebody is told on which channels: a ticked box is `event:channel`."""

    told = SelectMultipleField("What you are told", validate_choice=False)


class PreferencesForm(ChoicesForm):
    """The same for customers, and how mails come that may wait."""

    digest = RadioField(
        "Mails that may wait",
        [InputRequired("Choose how these mails come.")],
        choices=[SelectChoice(kind.value, label) for kind, label in DIGEST_LABELS.items()],
    )


class SlackForm(PortalForm):
    """Of which events the team that runs the product is told in Slack."""

    slack = SelectMultipleField("In Slack", validate_choice=False)
