"""The double of the Stripe gateway: customers in memory, signatures checked by the real code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from portal.config import Settings
from portal.errors import NotFoundError
from portal.gateways.stripe_api import Proration, StripeGateway, StripeUnavailableError
from portal.gateways.stripe_objects import (
    AddressSnapshot,
    CardSnapshot,
    CreditNoteSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    KeyedPrice,
    PortalFlow,
    PreviewSnapshot,
    PriceSnapshot,
    SubscriptionSnapshot,
    TaxIdSnapshot,
)

Found = TypeVar("Found")
CARD = CardSnapshot("pm_1", "visa", "4242", 8, 2030, is_default=True)
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
    """Stripe in memory. `reads` names what was asked for, `is_down` makes every call fail.

    What is written under an idempotency key is done once; `writes` holds (call, key, values) of each call.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.customers = {
            "cus_acme": CustomerSnapshot(
                "cus_acme", False, "Acme", "billing@acme.example", CARD, (SUBSCRIPTION,)
            )
        }
        self.methods: dict[str, list[CardSnapshot]] = {}
        self.known_invoices: dict[str, InvoiceSnapshot] = {}
        self.known_credit_notes: dict[str, CreditNoteSnapshot] = {}
        self.charges: dict[str, tuple[str | None, str | None]] = {}
        self.price_list: list[PriceSnapshot] = []
        self.keyed_prices: list[KeyedPrice] = []
        self.products: dict[str, Mapping[str, str]] = {}
        self.next_charge: PreviewSnapshot | None = None
        self.switches: dict[str, PreviewSnapshot] = {}
        self.configurations: dict[str, dict[str, Any]] = {}
        self.updates: list[tuple[str, str | None, str | None, str]] = []
        self.opened: list[str] = []
        self.flows: list[PortalFlow] = []
        self.reads: list[str] = []
        self.writes: list[tuple[str, str, dict[str, Any]]] = []
        self.is_down = False
        self._done: dict[str, Any] = {}

    def customer(self, customer_id: str, *, tries: int = 2) -> CustomerSnapshot:
        return self._found(self.customers, customer_id)

    def payment_methods(self, customer_id: str, *, tries: int = 2) -> list[CardSnapshot]:
        self._answer(customer_id)
        card = self.customers[customer_id].card
        return self.methods.get(customer_id, [card] if card else [])

    def update_customer(
        self,
        customer_id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        address: AddressSnapshot | None = None,
        purchase_order: str | None = None,
        idempotency_key: str,
    ) -> None:
        values = {"name": name, "email": email, "address": address, "purchase_order": purchase_order}
        if self._is_new("update_customer", idempotency_key, values):
            self.updates.append((customer_id, name, email, idempotency_key))
            told: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
            self.customers[customer_id] = replace(self.customers[customer_id], **told)

    def create_tax_id(
        self,
        customer_id: str,
        type: str,  # noqa: A002 - Stripe's own name
        value: str,
        *,
        idempotency_key: str,
    ) -> TaxIdSnapshot:
        values = {"customer": customer_id, "type": type, "value": value}
        if self._is_new("create_tax_id", idempotency_key, values):
            known = self.customers[customer_id]
            made = TaxIdSnapshot(f"txi_{len(self._done)}", type, value, value[:2], "pending")
            self.customers[customer_id] = replace(known, tax_ids=(*known.tax_ids, made))
            self._done[idempotency_key] = made
        found: TaxIdSnapshot = self._done[idempotency_key]
        return found

    def delete_tax_id(self, customer_id: str, tax_id: str, *, idempotency_key: str) -> None:
        if self._is_new("delete_tax_id", idempotency_key, {"customer": customer_id, "tax_id": tax_id}):
            known = self.customers[customer_id]
            left = tuple(item for item in known.tax_ids if item.id != tax_id)
            self.customers[customer_id] = replace(known, tax_ids=left)

    def invoice(self, invoice_id: str, *, tries: int = 2) -> InvoiceSnapshot:
        return self._found(self.known_invoices, invoice_id)

    def invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        self._answer(customer_id)
        return [invoice for invoice in self.known_invoices.values() if invoice.customer_id == customer_id]

    def credit_note(self, credit_note_id: str) -> CreditNoteSnapshot:
        return self._found(self.known_credit_notes, credit_note_id)

    def credit_notes(self, customer_id: str) -> list[CreditNoteSnapshot]:
        self._answer(customer_id)
        return [note for note in self.known_credit_notes.values() if note.customer_id == customer_id]

    def charge_invoice(self, charge_id: str) -> tuple[str | None, str | None]:
        return self._found(self.charges, charge_id)

    def prices(self, product_ids: list[str]) -> list[PriceSnapshot]:
        self._answer("prices")
        return [price for price in self.price_list if price.product_id in product_ids]

    def prices_by_lookup_key(self, lookup_keys: Sequence[str]) -> list[KeyedPrice]:
        self._answer("prices")
        return [price for price in self.keyed_prices if price.lookup_key in lookup_keys]

    def products_by_metadata(self, metadata: Mapping[str, str]) -> list[str]:
        self._answer("products")
        return [name for name, known in self.products.items() if metadata.items() <= known.items()]

    def preview_next(
        self, customer_id: str, subscription_id: str, *, tries: int = 1
    ) -> PreviewSnapshot | None:
        self._answer(f"preview {subscription_id}")
        return self.next_charge

    def preview_switch(
        self,
        customer_id: str,
        subscription_id: str,
        item_id: str,
        price_id: str,
        quantity: int,
        *,
        proration_at: datetime,
        proration: Proration = "always_invoice",
        tries: int = 1,
    ) -> PreviewSnapshot:
        self._answer(f"preview {subscription_id} {price_id} {quantity}")
        return replace(self._found(self.switches, price_id), proration_at=proration_at)

    def keep_subscription(self, subscription_id: str, *, idempotency_key: str) -> None:
        kept: dict[str, Any] = {"cancel_at_period_end": False, "ends_at": None}
        if self._is_new("keep_subscription", idempotency_key, {"subscription": subscription_id}):
            self._change_plans(lambda plan: plan.id == subscription_id, kept)

    def release_schedule(self, schedule_id: str, *, idempotency_key: str) -> None:
        if self._is_new("release_schedule", idempotency_key, {"schedule": schedule_id}):
            self._change_plans(
                lambda plan: plan.held is not None and plan.held.schedule_id == schedule_id, {"held": None}
            )

    def open_portal(
        self,
        customer_id: str,
        flow: PortalFlow,
        *,
        return_url: str,
        configuration: str | None,
        locale: str | None = None,
        idempotency_key: str,
    ) -> str:
        values = {"flow": flow, "return_url": return_url, "configuration": configuration, "locale": locale}
        if self._is_new("open_portal", idempotency_key, values):
            self.opened.append(return_url)
            self.flows.append(flow)
        return f"https://billing.stripe.com/p/session/{customer_id}"

    def portal_configurations(self) -> list[dict[str, Any]]:
        self._answer("configurations")
        return list(self.configurations.values())

    def portal_configuration(self, configuration_id: str) -> dict[str, Any]:
        return self._found(self.configurations, configuration_id)

    def create_portal_configuration(self, values: dict[str, Any], *, idempotency_key: str) -> str:
        if self._is_new("create_portal_configuration", idempotency_key, values):
            made = f"bpc_{len(self.configurations) + 1}"
            self._done[idempotency_key] = made
            self.configurations[made] = {"livemode": False, "active": True, **values, "id": made}
        return str(self._done[idempotency_key])

    def update_portal_configuration(
        self, configuration_id: str, values: dict[str, Any], *, idempotency_key: str
    ) -> None:
        if self._is_new("update_portal_configuration", idempotency_key, values):
            self.configurations[configuration_id] = {
                **self._found(self.configurations, configuration_id),
                **values,
            }

    def account_is_live(self) -> bool | None:
        self._answer("mode")
        return self.is_live

    def _answer(self, what: str) -> None:
        self.reads.append(what)
        if self.is_down:
            raise StripeUnavailableError

    def _found(self, where: Mapping[str, Found], what: str) -> Found:
        self._answer(what)
        if what not in where:
            raise NotFoundError
        return where[what]

    def _is_new(self, call: str, key: str, values: dict[str, Any]) -> bool:
        """Notes a call that writes; whether its key was not used before."""
        self._answer(call)
        self.writes.append((call, key, values))
        is_new = key not in self._done
        self._done.setdefault(key, None)
        return is_new

    def _change_plans(self, is_meant: Callable[[SubscriptionSnapshot], bool], values: dict[str, Any]) -> None:
        for customer_id, known in self.customers.items():
            plans = tuple(replace(plan, **values) if is_meant(plan) else plan for plan in known.subscriptions)
            self.customers[customer_id] = replace(known, subscriptions=plans)
