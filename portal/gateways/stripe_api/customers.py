"""Calls about customers and how they pay."""

from dataclasses import asdict
from functools import partial

from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_api.errors import StripeRefusedError
from portal.gateways.stripe_api.plans import SUBSCRIPTION_PARTS, PlanCalls
from portal.gateways.stripe_objects.customers import (
    PURCHASE_ORDER_FIELD,
    AddressSnapshot,
    CardSnapshot,
    CustomerSnapshot,
    card_snapshot,
    custom_fields,
    customer_snapshot,
    default_method,
)
from portal.gateways.stripe_objects.kit import Tree

CUSTOMER_PARTS = [
    "invoice_settings.default_payment_method",
    "tax_ids",
    "subscriptions",
    *(f"subscriptions.data.{part}" for part in SUBSCRIPTION_PARTS),
]


class CustomerCalls(PlanCalls, Connection):
    """Reading a customer with all that the portal shows of it, and telling Stripe its details."""

    def customer(self, customer_id: str, *, tries: int = 2) -> CustomerSnapshot:
        """The customer with what it pays with and for, and its tax ids: one call, and one for each further page."""
        data = self._customer_data(customer_id, tries)
        ask = partial(self._all_of, tries=tries)
        listed = {"customer": customer_id, "expand": [f"data.{part}" for part in SUBSCRIPTION_PARTS]}
        plans = ask(data.get("subscriptions"), path_of("subscriptions"), listed)
        tax_ids = ask(data.get("tax_ids"), path_of("customers", customer_id, "tax_ids"), {})
        subscriptions = tuple(self._subscription(item, data.get("discount"), tries) for item in plans)
        return customer_snapshot(data, subscriptions, tax_ids, default_method(data, plans))

    def _customer_data(self, customer_id: str, tries: int) -> Tree:
        """A deleted customer has no parts to expand, which Stripe answers with an error: ask again without."""
        path = path_of("customers", customer_id)
        try:
            return self._get(path, {"expand": CUSTOMER_PARTS}, tries=tries)
        except StripeRefusedError:
            data = self._get(path, tries=tries)
            if not data.get("deleted"):
                raise
            return data

    def payment_methods(self, customer_id: str, *, tries: int = 2) -> list[CardSnapshot]:
        """Everything attached to a customer, of every type, all pages. Which is the default says `customer`."""
        found = self._pages(path_of("customers", customer_id, "payment_methods"), {}, tries=tries)
        return [card_snapshot(item) for item in found]

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
        """Set what Stripe prints on the next invoices. None leaves as it is, an empty address or "" removes.

        Other custom fields of the customer's invoices are kept.
        """
        said = {"name": name, "email": email}
        wanted: Tree = {key: value for key, value in said.items() if value is not None}
        if address is not None:
            parts = asdict(address)
            wanted["address"] = parts if any(parts.values()) else ""
        if purchase_order is not None:
            wanted["invoice_settings"] = {"custom_fields": self._with_order(customer_id, purchase_order)}
        self._post(path_of("customers", customer_id), wanted, key=idempotency_key)

    def _with_order(self, customer_id: str, purchase_order: str) -> list[Tree] | str:
        """The customer's custom fields with this purchase order; "" is how Stripe takes none."""
        known = custom_fields(self._get(path_of("customers", customer_id)))
        kept = [field for field in known if field["name"] != PURCHASE_ORDER_FIELD]
        order = [{"name": PURCHASE_ORDER_FIELD, "value": purchase_order}] if purchase_order else []
        return [*kept, *order] or ""
