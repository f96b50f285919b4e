"""What people are told: the inbox and its bell, what they choose, and switching mails off by their link."""

from flask import Blueprint

notifications = Blueprint("notifications", __name__)

from blueprints.notifications import bell, inbox, unsubscribing  # noqa: E402,F401
