"""The staff area."""

from flask import Blueprint

admin = Blueprint("admin", __name__, url_prefix="/admin")

from blueprints.admin import organizations  # noqa: E402,F401
