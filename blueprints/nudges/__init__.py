"""The note about what a screen does by now, as a frame for the product's pages."""

from flask import Blueprint

nudges = Blueprint("nudges", __name__, url_prefix="/nudge")

from blueprints.nudges import frame  # noqa: E402,F401
