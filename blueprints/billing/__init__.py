"""The billing screen."""

from flask import Blueprint

billing = Blueprint("billing", __name__, url_prefix="/account/billing")

from blueprints.billing import card, contract, details, plan, screen, tax_ids  # noqa: E402,F401
