"""A person's own section: profile, appearance, security, which organization they look at, and the old addresses."""

from flask import Blueprint

account = Blueprint("account", __name__)
security = Blueprint("security", __name__, url_prefix="/account/security")

from blueprints.account import entrance, overview, profile, second_factor  # noqa: E402,F401
