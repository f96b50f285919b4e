"""What the running application was built with: settings and gateways, for code that has no other way to them."""

import base64
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from portal.config import Settings
from portal.errors import UnavailableError

if TYPE_CHECKING:
    from portal.gateways.mailer import Mailer
    from portal.gateways.slack import SlackWebhook
    from portal.gateways.stripe_api import StripeGateway
    from portal.gateways.vies import ViesRegister
    from portal.metering.source import MeteringSource


@dataclass(slots=True)
class Services:
    """The settings, and one client for each outside service (None where it is not configured)."""

    settings: Settings
    stripe: "StripeGateway | None"
    mailer: "Mailer | None"
    slack: "SlackWebhook | None"
    metering: "MeteringSource | None"
    vies: "ViesRegister"


def services() -> Services:
    """The services of the application in whose context this runs."""
    return cast(Services, current_app.extensions["portal"])


def current_settings() -> Settings:
    """The settings of the application in whose context this runs."""
    return services().settings


def derive_token(purpose: str) -> str:
    """A link's secret of 256 bits for one purpose, from `SECRET_KEY`: no row and no message has to hold it.

    `purpose` starts with what the link is for, so that no token serves as another.
    """
    key = current_settings().secret_key.get_secret_value().encode()
    return base64.urlsafe_b64encode(hmac.digest(key, purpose.encode(), "sha256")).decode().rstrip("=")


def stripe() -> "StripeGateway":
    """The Stripe gateway. Raises `UnavailableError` where Stripe is not configured."""
    gateway = services().stripe
    if gateway is None:
        raise UnavailableError("Stripe is not connected here.")
    return gateway


def vies() -> "ViesRegister":
    """The register of the EU's VAT numbers."""
    return services().vies


def metering() -> "MeteringSource":
    """The metering database. Raises `UnavailableError` where none is named."""
    source = services().metering
    if source is None:
        raise UnavailableError("Usage is not connected here.")
    return source
