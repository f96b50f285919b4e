"""Forms of the profile and of the security screen."""

from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from blueprints._forms import PortalForm

LONGEST_CODE = 40
LONGEST_PASSWORD = 1000


class ProfileForm(PortalForm):
    """A person's own name."""

    name = StringField(
        "Name", [InputRequired("Write your name."), Length(max=120, message="At most 120 characters.")]
    )


class ProofForm(PortalForm):
    """What proves who somebody is. The code is asked for only where a second factor is on."""

    password = PasswordField(
        "Your password", [InputRequired("Write your password."), Length(max=LONGEST_PASSWORD)]
    )
    code = StringField("Code", [Length(max=LONGEST_CODE)])
    next = HiddenField()


class PasswordForm(PortalForm):
    """A new password, and the old one."""

    password = PasswordField(
        "Present password", [InputRequired("Write your present password."), Length(max=LONGEST_PASSWORD)]
    )
    code = StringField("Code", [Length(max=LONGEST_CODE)])
    new_password = PasswordField("New password", [InputRequired("Choose a new password.")])
    end_others = BooleanField("Sign out my other devices", default=True)


class SetupForm(PortalForm):
    """The first code of an app. `setup` carries the sealed secret that it was made from."""

    setup = HiddenField()
    code = StringField(
        "Code from the app", [InputRequired("Write the code that the app shows."), Length(max=LONGEST_CODE)]
    )


class KeepForm(PortalForm):
    """One of the recovery codes."""

    kept_code = StringField(
        "One of your codes", [InputRequired("Write one of your codes."), Length(max=LONGEST_CODE)]
    )
