"""The product's own front door, for `SESSION_SOURCE=portal`: a start page, sign-in and sign-out; and invitations."""

from flask import Blueprint

product = Blueprint("product", __name__)
auth = Blueprint("auth", __name__, url_prefix="/auth")
invitation = Blueprint("invitation", __name__, url_prefix="/invitations")

from blueprints.product import home, invitations, sign_in  # noqa: E402,F401
