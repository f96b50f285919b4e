"""The one module that speaks Stripe, version 2026-05-27.dahlia on every call. Nothing of the SDK leaves it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
CUSTOMER_PARTS = [
    "invoice_settings.default_payment_method",
    "subscriptions",
    "subscriptions.data.default_payment_method",
]
REST_SECONDS = 10
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
        self._rests_until = 0.0
        self._product_names: dict[str, tuple[float, str]] = {}

    def customer(self, customer_id: str, *, tries: int = 2) -> CustomerSnapshot:
        """The customer with its default card and its subscriptions, in one call."""
        with self._typed_errors():
            data = self._customer_data(customer_id, {"max_network_retries": tries - 1})
            subscriptions = self._all_subscriptions(data)
            return customer_snapshot(data, subscriptions, partial(self._product_name, tries=tries))

    @property
    def is_resting(self) -> bool:
        """Whether Stripe failed a moment ago: pages then show what is known, instead of each waiting for it."""
        return time.monotonic() < self._rests_until

    def _customer_data(self, customer_id: str, options: Any) -> dict[str, Any]:
        """A deleted customer has no parts to expand, which Stripe answers with an error: ask again without."""
        customers = self._client.v1.customers
        try:
            return customers.retrieve(customer_id, {"expand": CUSTOMER_PARTS}, options).to_dict(
                recursive=True
            )
        except stripe.InvalidRequestError as error:
            if error.http_status == HTTPStatus.NOT_FOUND:
                raise
            data = customers.retrieve(customer_id, {}, options).to_dict(recursive=True)
            if not data.get("deleted"):
                raise
            return data

    def _all_subscriptions(self, customer: dict[str, Any]) -> list[dict[str, Any]]:
        """Those that came with the customer, or page by page where there are more."""
        embedded = customer.get("subscriptions") or {"data": [], "has_more": False}
        if not embedded["has_more"]:
            return list(embedded["data"])
        parameters: Any = {
            "customer": customer["id"],
            "limit": 100,
            "expand": ["data.default_payment_method"],
        }
        pages = self._client.v1.subscriptions.list(parameters)
        return [item.to_dict(recursive=True) for item in pages.auto_paging_iter()]

    def _product_name(self, product_id: str, *, tries: int) -> str:
        """A product's name, kept for ten minutes: Stripe expands at most four levels, and it stands on the sixth."""
        kept_at, name = self._product_names.get(product_id, (0.0, ""))
        if time.monotonic() - kept_at > PRODUCT_NAME_SECONDS or not name:
            options: Any = {"max_network_retries": tries - 1}
            name = self._client.v1.products.retrieve(product_id, {}, options).name
            self._product_names[product_id] = (time.monotonic(), name)
        return name

    def update_customer(self, customer_id: str, *, name: str, email: str, idempotency_key: str) -> None:
        """Set the name and address that Stripe prints on the next invoices."""
        with self._typed_errors():
            self._client.v1.customers.update(
                customer_id, {"name": name, "email": email}, {"idempotency_key": idempotency_key}
            )

    def invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """One invoice with all its lines."""
        with self._typed_errors():
            return self._with_lines(self._client.v1.invoices.retrieve(invoice_id).to_dict(recursive=True))

    def invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        """Every invoice of a customer, all pages."""
        with self._typed_errors():
            pages = self._client.v1.invoices.list({"customer": customer_id, "limit": 100})
            return [self._with_lines(item.to_dict(recursive=True)) for item in pages.auto_paging_iter()]

    def _with_lines(self, invoice: dict[str, Any]) -> InvoiceSnapshot:
        """Stripe embeds the first ten lines; the rest comes in pages."""
        lines = list(invoice["lines"]["data"])
        if invoice["lines"]["has_more"]:
            pages = self._client.v1.invoices.line_items.list(invoice["id"], {"limit": 100})
            lines = [line.to_dict(recursive=True) for line in pages.auto_paging_iter()]
        return invoice_snapshot(invoice, lines)

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
        with self._typed_errors():
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
        with self._typed_errors():
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
            signature.encode("ascii")
        except UnicodeError:
            raise BadSignatureError("The body is not UTF-8 text, or the signature not ASCII.") from None
        if abs(time.time() - _signed_at(signature)) > SIGNATURE_TOLERANCE_SECONDS:
            raise BadSignatureError("The signature is not from within the last five minutes.")
        if not any(_signed_with(text, signature, secret) for secret in self._secrets):
            raise BadSignatureError("The signature does not fit the body.")
        return text

    @contextmanager
    def _typed_errors(self) -> Iterator[None]:
        """Stripe's errors as ours. What is logged names the call, never a person."""
        try:
            yield
        except stripe.InvalidRequestError as error:
            if error.http_status == HTTPStatus.NOT_FOUND:
                raise NotFoundError("Stripe does not know this.") from None
            log.warning("stripe refused", extra=_facts(error))
            raise StripeRefusedError("Stripe did not accept this. Nothing was changed.") from error
        except stripe.StripeError as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("stripe failed", extra=_facts(error))
            raise StripeUnavailableError("Stripe does not answer right now. Nothing was changed.") from error


def _facts(error: stripe.StripeError) -> dict[str, object]:
    facts = {"error": type(error).__name__, "http_status": error.http_status, "code": error.code}
    return {**facts, "param": getattr(error, "param", None), "stripe_request": error.request_id}


def _signed_with(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, SIGNATURE_TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    return True


def _signed_at(signature: str) -> int:
    """The time in the header; 0, which is too old, where there is none, or more than one to choose from."""
    parts = [part.strip() for part in signature.split(",")]
    times = [part.removeprefix("t=") for part in parts if part.startswith("t=")]
    is_plain = len(times) == 1 and times[0].isascii() and times[0].isdigit() and len(times[0]) < 16
    return int(times[0]) if is_plain else 0
