"""The one module that speaks Stripe, version 2026-05-27.dahlia on every call. Nothing of the SDK leaves it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import stripe

from portal.config import Settings, SettingsError
from portal.errors import InvalidInputError, NotFoundError, UnavailableError
from portal.gateways.stripe_objects import (
    CustomerSnapshot,
    InvoiceSnapshot,
    customer_snapshot,
    invoice_snapshot,
)

API_VERSION = "2026-05-27.dahlia"
TIMEOUT_SECONDS = 2.0
"""For one try. With the one retry below a page still answers within 5 seconds."""
SIGNATURE_TOLERANCE_SECONDS = 300
CUSTOMER_PARTS = ["invoice_settings.default_payment_method", "subscriptions"]
PRODUCT_NAME_SECONDS = 600
log = logging.getLogger("portal.stripe")


class StripeUnavailableError(UnavailableError):
    """Stripe does not answer, or answers with a failure of its own. Trying again later makes sense."""


class StripeRefusedError(InvalidInputError):
    """Stripe understood and said no. Trying the same again does not help."""


class BadSignatureError(InvalidInputError):
    """A webhook body that Stripe did not sign, or not within the last five minutes."""

    status = HTTPStatus.BAD_REQUEST


class StripeGateway:
    """Calls to Stripe, with plain values in and out."""

    def __init__(self, settings: Settings) -> None:
        if settings.stripe_secret_key is None:
            raise SettingsError("STRIPE_SECRET_KEY: is missing")
        self._secrets = [secret.get_secret_value() for secret in settings.stripe_webhook_secrets]
        self.is_live = settings.stripe_is_live
        addresses: Any = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        self._client = stripe.StripeClient(
            settings.stripe_secret_key.get_secret_value(),
            stripe_version=API_VERSION,
            base_addresses=addresses,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
            max_network_retries=1,
        )
        self._product_names: dict[str, tuple[float, str]] = {}

    def customer(self, customer_id: str, *, tries: int = 2) -> CustomerSnapshot:
        """The customer with its default card and its subscriptions, in one call."""
        with _typed_errors():
            found = self._client.v1.customers.retrieve(
                customer_id, {"expand": CUSTOMER_PARTS}, {"max_network_retries": tries - 1}
            )
        return customer_snapshot(found.to_dict(recursive=True), self._product_name)

    def _product_name(self, product_id: str) -> str:
        """A product's name, kept for ten minutes: Stripe expands at most four levels, and it stands on the sixth."""
        kept_at, name = self._product_names.get(product_id, (0.0, ""))
        if time.monotonic() - kept_at > PRODUCT_NAME_SECONDS or not name:
            with _typed_errors():
                name = self._client.v1.products.retrieve(product_id).name
            self._product_names[product_id] = (time.monotonic(), name)
        return name

    def update_customer(self, customer_id: str, *, name: str, email: str, idempotency_key: str) -> None:
        """Set the name and address that Stripe prints on the next invoices."""
        with _typed_errors():
            self._client.v1.customers.update(
                customer_id, {"name": name, "email": email}, {"idempotency_key": idempotency_key}
            )

    def invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """One invoice with its first lines."""
        with _typed_errors():
            found = self._client.v1.invoices.retrieve(invoice_id)
        return invoice_snapshot(found.to_dict(recursive=True))

    def invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        """Every invoice of a customer, all pages."""
        with _typed_errors():
            pages = self._client.v1.invoices.list({"customer": customer_id, "limit": 100})
            return [invoice_snapshot(item.to_dict(recursive=True)) for item in pages.auto_paging_iter()]

    def open_portal(self, customer_id: str, *, return_url: str, configuration: str | None) -> str:
        """The address of a new Customer Portal session for changing the card. Never log or store it."""
        parameters: dict[str, Any] = {
            "customer": customer_id,
            "return_url": return_url,
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
            },
        }
        if configuration:
            parameters["configuration"] = configuration
        with _typed_errors():
            return self._client.v1.billing_portal.sessions.create(parameters).url  # type: ignore[arg-type]

    def create_portal_configuration(self, *, headline: str, return_url: str) -> str:
        """A Customer Portal configuration for cards and invoices; returns its id."""
        features: Any = {
            "payment_method_update": {"enabled": True},
            "invoice_history": {"enabled": True},
            "customer_update": {"enabled": False},
            "subscription_cancel": {"enabled": False},
        }
        profile: Any = {"headline": headline}
        with _typed_errors():
            created = self._client.v1.billing_portal.configurations.create(
                {"business_profile": profile, "default_return_url": return_url, "features": features}
            )
        return created.id

    def verify_event(self, payload: bytes, signature: str) -> str:
        """The body as text, if one of the webhook secrets signed it within 300 s. Raises `BadSignatureError`.

        stripe-python accepts a time in the future, so that is refused here.
        """
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            raise BadSignatureError("The body is not UTF-8 text.") from None
        if _signed_at(signature) > time.time() + SIGNATURE_TOLERANCE_SECONDS:
            raise BadSignatureError("The signature is dated in the future.")
        if not any(_signed_with(text, signature, secret) for secret in self._secrets):
            raise BadSignatureError("The signature does not fit the body.")
        return text


def _signed_with(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, SIGNATURE_TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    return True


def _signed_at(signature: str) -> int:
    parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
    value = parts.get("t", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise NotFoundError("Stripe does not know this.") from None
        log.warning(
            "stripe refused",
            extra={"code": error.code, "param": error.param, "stripe_request": error.request_id},
        )
        raise StripeRefusedError("Stripe did not accept this. Nothing was changed.") from error
    except stripe.StripeError as error:
        raise StripeUnavailableError("Stripe does not answer right now. Nothing was changed.") from error
