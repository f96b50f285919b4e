"""Doubles at the gateways. `tests/portal/gateways/test_fakes.py` holds them against the real interfaces."""

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from portal.config import Settings
from portal.errors import NotFoundError
from portal.gateways.mailer import Mailer
from portal.gateways.slack import SlackWebhook
from portal.gateways.stripe_api import StripeGateway, StripeUnavailableError
from portal.gateways.stripe_objects import (
    CardSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    SubscriptionSnapshot,
)

CARD = CardSnapshot("pm_1", "visa", "4242", 8, 2030)
SUBSCRIPTION = SubscriptionSnapshot(
    id="sub_1",
    status="active",
    plan_name="Pro",
    seats=5,
    amount_minor=15_900,
    currency="usd",
    interval="month",
    interval_count=1,
    period_ends_at=datetime(2027, 1, 1, tzinfo=UTC),
    cancel_at_period_end=False,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class FakeStripe(StripeGateway):
    """Stripe with customers in memory. Signatures are checked by the real code."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.customers = {
            "cus_acme": CustomerSnapshot(
                "cus_acme", False, "Acme", "billing@acme.example", CARD, (SUBSCRIPTION,)
            )
        }
        self.known_invoices: dict[str, InvoiceSnapshot] = {}
        self.updates: list[tuple[str, str, str, str]] = []
        self.opened: list[str] = []
        self.reads: list[str] = []
        self.is_down = False

    def customer(self, customer_id: str, *, tries: int = 2) -> CustomerSnapshot:
        self._answer(customer_id)
        if customer_id not in self.customers:
            raise NotFoundError
        return self.customers[customer_id]

    def update_customer(self, customer_id: str, *, name: str, email: str, idempotency_key: str) -> None:
        self._answer(customer_id)
        self.updates.append((customer_id, name, email, idempotency_key))
        self.customers[customer_id] = replace(self.customers[customer_id], name=name, email=email)

    def invoice(self, invoice_id: str) -> InvoiceSnapshot:
        self._answer(invoice_id)
        if invoice_id not in self.known_invoices:
            raise NotFoundError
        return self.known_invoices[invoice_id]

    def invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        self._answer(customer_id)
        return [invoice for invoice in self.known_invoices.values() if invoice.customer_id == customer_id]

    def open_portal(self, customer_id: str, *, return_url: str, configuration: str | None) -> str:
        self._answer(customer_id)
        self.opened.append(return_url)
        return f"https://billing.stripe.com/p/session/{customer_id}"

    def create_portal_configuration(self, *, headline: str, return_url: str) -> str:
        self._answer(headline)
        return "bpc_1"

    def _answer(self, what: str) -> None:
        self.reads.append(what)
        if self.is_down:
            raise StripeUnavailableError("Stripe does not answer right now. Nothing was changed.")


class FakeMailer(Mailer):
    """Keeps what it was given to send; `error` is raised instead, if set."""

    def __init__(self) -> None:
        super().__init__("smtp://localhost:1")
        self.sent: list[EmailMessage] = []
        self.error: Exception | None = None

    def send(self, message: EmailMessage) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append(message)


class FakeSlack(SlackWebhook):
    """Keeps what it was given to post, with its key; `error` is raised instead, if set."""

    def __init__(self) -> None:
        super().__init__("http://localhost:1/hooks/slack")
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None

    def send(self, message: dict[str, Any], *, idempotency_key: str) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((idempotency_key, message))
