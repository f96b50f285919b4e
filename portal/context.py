"""What the running application was built with: settings and gateways, for code that has no other way to them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from portal.config import Settings
from portal.errors import UnavailableError

if TYPE_CHECKING:
    from portal.gateways.mailer import Mailer
    from portal.gateways.slack import SlackWebhook
    from portal.gateways.stripe_api import StripeGateway
    from portal.metering.source import MeteringSource


@dataclass(slots=True)
class Services:
    """The settings, and one client for each outside service (None where it is not configured)."""

    settings: Settings
    stripe: "StripeGateway | None"
    mailer: "Mailer | None"
    slack: "SlackWebhook | None"
    metering: "MeteringSource | None"


def services() -> Services:
    """The services of the application in whose context this runs."""
    return cast(Services, current_app.extensions["portal"])


def current_settings() -> Settings:
    """The settings of the application in whose context this runs."""
    return services().settings


def stripe() -> "StripeGateway":
    """The Stripe gateway. Raises `UnavailableError` where Stripe is not configured."""
    gateway = services().stripe
    if gateway is None:
        raise UnavailableError("Stripe is not connected here.")
    return gateway


def metering() -> "MeteringSource":
    """The metering database. Raises `UnavailableError` where none is named."""
    source = services().metering
    if source is None:
        raise UnavailableError("Usage is not connected here.")
    return source
