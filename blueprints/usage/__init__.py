"""The usage screen."""

from flask import Blueprint

usage = Blueprint("usage", __name__, url_prefix="/account/usage")

from blueprints.usage import screen  # noqa: E402,F401
