"""What machines ask about the process: alive, ready."""

from flask import Blueprint

ops = Blueprint("ops", __name__)

from blueprints.ops import brand, health, metrics  # noqa: E402,F401
