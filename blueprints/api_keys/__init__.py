"""The API keys screen."""

from flask import Blueprint

api_keys = Blueprint("api_keys", __name__, url_prefix="/account/api-keys")

from blueprints.api_keys import screen  # noqa: E402,F401
