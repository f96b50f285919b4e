"""The pages and addresses of the portal."""

from flask import Flask

from blueprints._actor import session_source
from blueprints._numbers import BoundedIntegerConverter
from blueprints.account import account, security
from blueprints.activity import activity
from blueprints.admin import admin
from blueprints.api import api
from blueprints.api_keys import api_keys
from blueprints.billing import billing
from blueprints.help import help_screen
from blueprints.invoices import invoices
from blueprints.notifications import notifications
from blueprints.nudges import nudges
from blueprints.ops import ops
from blueprints.product import auth, invitation, product
from blueprints.recovery import recovery
from blueprints.team import team
from blueprints.usage import usage
from blueprints.webhooks import webhooks

BLUEPRINTS = (
    account,
    activity,
    admin,
    api,
    api_keys,
    billing,
    help_screen,
    invitation,
    invoices,
    notifications,
    nudges,
    ops,
    recovery,
    security,
    team,
    usage,
    webhooks,
)


def register_blueprints(app: Flask) -> None:
    """Mount every blueprint. Sign-in pages exist only where this app is the product's sign-in."""
    app.url_map.converters["int"] = BoundedIntegerConverter
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    with app.app_context():
        if session_source().has_sign_in_form:
            app.register_blueprint(auth)
            app.register_blueprint(product)
