"""A person's own section: profile, appearance, which organization they look at, and the old addresses."""

from flask import Blueprint

account = Blueprint("account", __name__)

from blueprints.account import entrance, profile  # noqa: E402,F401
