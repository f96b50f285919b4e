"""Stripe's objects as the few plain values that the portal uses. Amounts are minor units, times aware UTC."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.kit.clock import from_timestamp, moment

ProductName = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """What the next invoice is charged to. Other kinds than cards have their kind as brand and no expiry."""

    id: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionSnapshot:
    """A subscription; `amount_minor` is the sum of its items for one period, before tax and discounts.

    It is None where a price depends on usage or tiers. `interval` repeats `interval_count` times in one period;
    `period_ends_at` is when it renews, or ends if `cancel_at_period_end`.
    """

    id: str
    status: str
    plan_name: str
    seats: int | None
    amount_minor: int | None
    currency: str
    interval: str
    interval_count: int
    period_ends_at: datetime | None
    cancel_at_period_end: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """A customer with what it pays with and for."""

    id: str
    is_deleted: bool
    name: str | None
    email: str | None
    card: CardSnapshot | None
    subscriptions: tuple[SubscriptionSnapshot, ...]


@dataclass(frozen=True, slots=True)
class LineSnapshot:
    """One line of an invoice."""

    description: str
    quantity: int | None
    unit_minor: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class InvoiceSnapshot:
    """An invoice as Stripe has it now."""

    id: str
    customer_id: str
    number: str | None
    status: str
    description: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    paid_minor: int
    due_minor: int
    attempts: int
    next_attempt_at: datetime | None
    issued_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    hosted_url: str | None
    pdf_url: str | None
    lines: tuple[LineSnapshot, ...]


def customer_snapshot(
    data: dict[str, Any], subscriptions: list[dict[str, Any]], product_name: ProductName
) -> CustomerSnapshot:
    """From a customer and all its subscriptions, payment methods expanded, or from a deleted one.

    A subscription's own payment method is charged before the customer's (Stripe: `default_payment_method`).
    """
    newest = max(subscriptions, key=lambda item: item["created"], default={})
    methods = (
        newest.get("default_payment_method"),
        (data.get("invoice_settings") or {}).get("default_payment_method"),
    )
    method = next((item for item in methods if isinstance(item, dict)), None)
    return CustomerSnapshot(
        id=data["id"],
        is_deleted=bool(data.get("deleted")),
        name=_line(data.get("name"), 120) or None,
        email=_line(data.get("email"), 254) or None,
        card=card_snapshot(method) if method else None,
        subscriptions=tuple(subscription_snapshot(item, product_name) for item in subscriptions),
    )


def card_snapshot(method: dict[str, Any]) -> CardSnapshot:
    """From a payment method of any type."""
    details = method.get(method["type"]) or {}
    brand = details.get("brand") or method["type"]
    return CardSnapshot(
        method["id"],
        _line(brand, 32),
        details.get("last4") or "",
        details.get("exp_month"),
        details.get("exp_year"),
    )


def subscription_snapshot(data: dict[str, Any], product_name: ProductName) -> SubscriptionSnapshot:
    """From a subscription; `product_name` names a product by its id. Seats are the quantity of the per-seat item.

    Since 2025-03-31 the period stands on the items, not on the subscription.
    """
    items = data["items"]["data"]
    first = items[0] if items else {"price": {}}
    per_seat = [item for item in items if (item["price"].get("metadata") or {}).get("per") == "seat"]
    recurring = first["price"].get("recurring") or {}
    product = first["price"].get("product")
    return SubscriptionSnapshot(
        id=data["id"],
        status=data["status"],
        plan_name=_line(product_name(_id_of(product)) if product else "", 120) or "Plan",
        seats=sum(item.get("quantity") or 0 for item in per_seat) if per_seat else None,
        amount_minor=_amount(items),
        currency=data["currency"],
        interval=recurring.get("interval", "month"),
        interval_count=recurring.get("interval_count", 1),
        period_ends_at=from_timestamp(data.get("cancel_at") or first.get("current_period_end")),
        cancel_at_period_end=data["cancel_at_period_end"] or data.get("cancel_at") is not None,
        created_at=moment(data["created"]),
    )


def invoice_snapshot(data: dict[str, Any], lines: list[dict[str, Any]]) -> InvoiceSnapshot:
    """From an invoice and all its lines. It counts as issued when it was finalized."""
    moments = data.get("status_transitions") or {}
    return InvoiceSnapshot(
        id=data["id"],
        customer_id=_id_of(data["customer"]),
        number=data.get("number"),
        status=data["status"],
        description=_line(data.get("description"), 300),
        currency=data["currency"],
        subtotal_minor=data["subtotal"],
        discount_minor=sum(part["amount"] for part in data.get("total_discount_amounts") or []),
        tax_minor=sum(tax["amount"] for tax in data.get("total_taxes") or []),
        total_minor=data["total"],
        paid_minor=data["amount_paid"],
        due_minor=data["amount_remaining"],
        attempts=data.get("attempt_count") or 0,
        next_attempt_at=from_timestamp(data.get("next_payment_attempt")),
        issued_at=moment(moments.get("finalized_at") or data["created"]),
        due_at=from_timestamp(data.get("due_date")),
        paid_at=from_timestamp(moments.get("paid_at")),
        hosted_url=data.get("hosted_invoice_url"),
        pdf_url=data.get("invoice_pdf"),
        lines=tuple(_line_snapshot(line) for line in lines),
    )


def _line_snapshot(line: dict[str, Any]) -> LineSnapshot:
    unit = (line.get("pricing") or {}).get("unit_amount_decimal")
    return LineSnapshot(
        description=_line(line.get("description"), 500),
        quantity=line.get("quantity"),
        unit_minor=int(unit) if unit is not None and str(unit).lstrip("-").isdigit() else None,
        amount_minor=line["amount"],
    )


def _amount(items: list[dict[str, Any]]) -> int | None:
    total = 0
    for item in items:
        unit, quantity = item["price"].get("unit_amount"), item.get("quantity")
        if unit is None or quantity is None:
            return None
        total += int(unit) * int(quantity)
    return total if items else None


def _line(value: object, maximum: int) -> str:
    """Text of Stripe's as one line that fits our column; control characters would break mails and Postgres."""
    words = "".join(char if char.isprintable() else " " for char in str(value or ""))
    return " ".join(words.split())[:maximum]


def _id_of(value: Any) -> str:
    return str(value["id"] if isinstance(value, dict) else value)
