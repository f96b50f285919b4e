"""Addresses for machines: signed by whoever asks, answered as JSON."""

from flask import Blueprint

api = Blueprint("api", __name__, url_prefix="/v1")

from blueprints.api import help_desk, nudges  # noqa: E402,F401
