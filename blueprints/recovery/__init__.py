"""The page behind the link with which a person stops the recovery of their account."""

from flask import Blueprint

recovery = Blueprint("recovery", __name__, url_prefix="/recoveries")

from blueprints.recovery import screen  # noqa: E402,F401
