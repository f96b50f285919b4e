"""The billing screen."""

from flask import Blueprint

billing = Blueprint("billing", __name__, url_prefix="/account/billing")

from blueprints.billing import screen  # noqa: E402,F401
