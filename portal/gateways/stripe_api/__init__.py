"""The one package that speaks Stripe, version 2026-05-27.dahlia on every call. Nothing of the SDK leaves it."""

from portal.config import Settings
from portal.gateways.stripe_api.client import (
    API_VERSION,
    PATIENT_TIMEOUT_SECONDS,
    TIMEOUT_SECONDS,
    Connection,
    patience,
)
from portal.gateways.stripe_api.customers import CustomerCalls
from portal.gateways.stripe_api.errors import (
    BadSignatureError,
    SpentKeyError,
    StripeRefusedError,
    StripeUnavailableError,
)
from portal.gateways.stripe_api.invoices import InvoiceCalls
from portal.gateways.stripe_api.modes import ModeCalls
from portal.gateways.stripe_api.plans import Proration
from portal.gateways.stripe_api.portal import PortalCalls
from portal.gateways.stripe_api.products import ProductCalls
from portal.gateways.stripe_api.tax_ids import TaxIdCalls
from portal.gateways.stripe_api.webhooks import Signatures, VerifiedEvent


class StripeGateway(
    CustomerCalls, TaxIdCalls, InvoiceCalls, PortalCalls, ProductCalls, ModeCalls, Signatures
):
    """Calls to Stripe, with plain values in and out.

    Each is tried at most twice and raises `StripeUnavailableError`, `StripeRefusedError` or `NotFoundError`; every
    one that writes takes an idempotency key, under which Stripe does the same thing once for at least 24 hours.
    """

    def __init__(self, settings: Settings) -> None:
        Connection.__init__(self, settings)
        Signatures.__init__(self, settings)
        self.is_live = settings.stripe_is_live


__all__ = [
    "API_VERSION",
    "PATIENT_TIMEOUT_SECONDS",
    "TIMEOUT_SECONDS",
    "BadSignatureError",
    "Proration",
    "SpentKeyError",
    "StripeGateway",
    "StripeRefusedError",
    "StripeUnavailableError",
    "VerifiedEvent",
    "patience",
]
