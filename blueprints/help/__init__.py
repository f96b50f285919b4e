"""The help screen: what people do themselves, what support does, and the way to a person."""

from flask import Blueprint

help_screen = Blueprint("help", __name__)

from blueprints.help import screen  # noqa: E402,F401
