"""Forms of the team."""

from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from blueprints._forms import PortalForm
from portal.permissions import ROLE_LABELS, Role

ROLE_CHOICES = [SelectChoice(role.value, label) for role, label in ROLE_LABELS.items()]
CHOICES_WITHOUT_OWNER = [choice for choice in ROLE_CHOICES if choice.value != Role.OWNER]


class InviteForm(PortalForm):
    """An address and the role it gets."""

    email = StringField("Email", [InputRequired("Write an email address."), Length(max=254)])
    role = SelectField("Role", choices=ROLE_CHOICES, default=Role.MEMBER.value)


class RoleForm(PortalForm):
    """A member's new role."""

    role = SelectField("Role", choices=ROLE_CHOICES)
