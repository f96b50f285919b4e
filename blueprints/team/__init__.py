"""The team screen: members and invitations."""

from flask import Blueprint

team = Blueprint("team", __name__, url_prefix="/account/team")

from blueprints.team import invitations, members  # noqa: E402,F401
