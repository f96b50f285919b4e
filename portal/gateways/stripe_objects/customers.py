"""Customers: who pays, with what, and what stands on the invoices."""

from dataclasses import dataclass

from portal.gateways.stripe_objects.kit import Tree, line, maybe_id
from portal.gateways.stripe_objects.plans import SubscriptionSnapshot

PURCHASE_ORDER_FIELD = "PO number"
"""The name of the custom field of a customer's invoices that holds the purchase-order number."""


@dataclass(frozen=True, slots=True)
class AddressSnapshot:
    """A postal address; "" where there is none of a part. `country` is the two letters of ISO 3166-1."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class TaxIdSnapshot:
    """A tax id; `verification` is Stripe's word: pending, verified, unverified or unavailable."""

    id: str
    type: str
    value: str
    country: str
    verification: str | None


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """A way to pay. Other kinds than cards have their kind as brand and no expiry.

    `is_default` is set on `CustomerSnapshot.card` alone: the next invoice is charged to it.
    """

    id: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """A customer with what it pays with and for. `card` is what the next invoice is charged to.

    `balance_minor` is in `currency`; negative is the customer's credit. `purchase_order` is the custom field
    `PURCHASE_ORDER_FIELD`. A deleted one has only its id.
    """

    id: str
    is_deleted: bool
    name: str | None
    email: str | None
    card: CardSnapshot | None
    subscriptions: tuple[SubscriptionSnapshot, ...]
    address: AddressSnapshot | None = None
    purchase_order: str | None = None
    tax_ids: tuple[TaxIdSnapshot, ...] = ()
    livemode: bool = False
    balance_minor: int = 0
    currency: str | None = None


def customer_snapshot(
    data: Tree, subscriptions: tuple[SubscriptionSnapshot, ...], tax_ids: list[Tree], card: Tree | None
) -> CustomerSnapshot:
    """From a customer, also a deleted one, and what belongs to it."""
    return CustomerSnapshot(
        id=data["id"],
        is_deleted=bool(data.get("deleted")),
        name=line(data.get("name"), 120) or None,
        email=line(data.get("email"), 254) or None,
        card=card_snapshot(card, is_default=True) if card else None,
        subscriptions=subscriptions,
        address=address_snapshot(data["address"]) if data.get("address") else None,
        purchase_order=_purchase_order(data),
        tax_ids=tuple(tax_id_snapshot(item) for item in tax_ids),
        livemode=bool(data.get("livemode")),
        balance_minor=data.get("balance") or 0,
        currency=data.get("currency"),
    )


def default_method(customer: Tree, subscriptions: list[Tree]) -> Tree | None:
    """What the next invoice is charged to, payment methods expanded.

    A subscription's own payment method is charged before the customer's (Stripe: `default_payment_method`).
    """
    newest = max(subscriptions, key=lambda item: item["created"], default={})
    settings = customer.get("invoice_settings") or {}
    methods = (newest.get("default_payment_method"), settings.get("default_payment_method"))
    return next((item for item in methods if isinstance(item, dict)), None)


def card_snapshot(method: Tree, *, is_default: bool = False) -> CardSnapshot:
    """From a payment method of any type."""
    details = method.get(method["type"]) or {}
    brand = details.get("brand") or method["type"]
    return CardSnapshot(
        method["id"],
        line(brand, 32),
        details.get("last4") or "",
        details.get("exp_month"),
        details.get("exp_year"),
        is_default,
    )


def address_snapshot(data: Tree) -> AddressSnapshot:
    """From an address of which any part may be null."""
    parts = {name: line(data.get(name), 200) for name in AddressSnapshot.__slots__}
    return AddressSnapshot(**parts)


def tax_id_snapshot(data: Tree) -> TaxIdSnapshot:
    """From a tax id; only some types are verified by Stripe."""
    verification = (data.get("verification") or {}).get("status")
    return TaxIdSnapshot(
        data["id"], data["type"], line(data["value"], 64), data.get("country") or "", verification
    )


def custom_fields(customer: Tree) -> list[Tree]:
    """The custom fields of a customer's invoices; Stripe allows four."""
    return list((customer.get("invoice_settings") or {}).get("custom_fields") or [])


def owner_of(charge: Tree) -> str | None:
    """The customer that a charge belongs to."""
    return maybe_id(charge.get("customer"))


def _purchase_order(customer: Tree) -> str | None:
    found = (field["value"] for field in custom_fields(customer) if field["name"] == PURCHASE_ORDER_FIELD)
    return line(next(found, ""), 140) or None
