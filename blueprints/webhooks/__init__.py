"""Where outside services tell us things."""

from flask import Blueprint

webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")

from blueprints.webhooks import stripe  # noqa: E402,F401
