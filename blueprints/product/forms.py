"""Forms of signing in and joining."""

from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from blueprints._forms import PortalForm


class SignInForm(PortalForm):
    """Email and password."""

    email = StringField("Email", [InputRequired("Write your email address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Write your password."), Length(max=1000)])
    next = HiddenField()


class CodeForm(PortalForm):
    """A code of the authenticator app, or a recovery code."""

    code = StringField("Code", [InputRequired("Write the code."), Length(max=40)])


class JoinForm(PortalForm):
    """A new account for somebody who was invited."""

    name = StringField("Your name", [InputRequired("Write your name."), Length(max=120)])
    password = PasswordField("Choose a password", [InputRequired("Choose a password.")])
