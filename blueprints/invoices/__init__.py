"""The invoices screen."""

from flask import Blueprint

invoices = Blueprint("invoices", __name__, url_prefix="/account/invoices")

from blueprints.invoices import screen  # noqa: E402,F401
