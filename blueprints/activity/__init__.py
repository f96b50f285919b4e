"""The activity screen."""

from flask import Blueprint

activity = Blueprint("activity", __name__, url_prefix="/account/activity")

from blueprints.activity import screen  # noqa: E402,F401
