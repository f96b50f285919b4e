"""What the next charge will be, taken apart."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from portal.gateways.stripe_objects.kit import Tree, id_of, line, whole_minor
from portal.gateways.stripe_objects.prices import is_by_usage, is_per_seat
from portal.kit.clock import from_timestamp

Kind = Literal["base", "seats", "usage", "proration", "discount", "tax", "balance", "other"]


@dataclass(frozen=True, slots=True)
class PreviewPart:
    """One part of a charge, in minor units; what takes something off is negative."""

    kind: Kind
    description: str
    quantity: int | None
    unit_minor: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PreviewSnapshot:
    """A charge that has not been made. The parts add up to `due_minor`, always.

    `subtotal_minor` is before discounts and tax, `total_minor` after them and before the customer's balance.
    `proration_at` is the moment up to which the present plan was counted, where a switch is previewed.
    """

    currency: str
    parts: tuple[PreviewPart, ...]
    subtotal_minor: int
    total_minor: int
    due_minor: int
    charged_at: datetime | None
    proration_at: datetime | None = None


def preview_snapshot(
    data: Tree, lines: list[Tree], price: Callable[[str], Tree], proration_at: datetime | None = None
) -> PreviewSnapshot:
    """From a previewed invoice and its lines; `price` finds a price by its id."""
    parts = [_line_part(item, price) for item in lines]
    off = sum(item["amount"] for item in data.get("total_discount_amounts") or [])
    tax = sum(item["amount"] for item in data.get("total_taxes") or [] if item["tax_behavior"] == "exclusive")
    parts += _part("discount", "Discount", -off) + _part("tax", "Tax", tax)
    parts += _part("other", "Other items and credits", data["total"] - _sum(parts))
    is_balance = bool(data["starting_balance"]) or data["total"] < 0
    rest = data["amount_due"] - data["total"]
    parts += _part("balance", "Balance", rest) if is_balance else _part("other", "Carried over", rest)
    return PreviewSnapshot(
        currency=data["currency"],
        parts=tuple(parts),
        subtotal_minor=data["subtotal"],
        total_minor=data["total"],
        due_minor=data["amount_due"],
        charged_at=from_timestamp(data.get("next_payment_attempt") or data.get("due_date")),
        proration_at=proration_at,
    )


def _line_part(data: Tree, price: Callable[[str], Tree]) -> PreviewPart:
    pricing = data.get("pricing") or {}
    return PreviewPart(
        kind=_kind(data, price),
        description=line(data.get("description"), 500),
        quantity=data.get("quantity"),
        unit_minor=whole_minor(pricing.get("unit_amount_decimal")),
        amount_minor=data["amount"],
    )


def _kind(data: Tree, price: Callable[[str], Tree]) -> Kind:
    parent = data.get("parent") or {}
    by_item = parent.get("subscription_item_details")
    details = by_item or parent.get("invoice_item_details") or {}
    if details.get("proration"):
        return "proration"
    named = ((data.get("pricing") or {}).get("price_details") or {}).get("price")
    if not by_item or not named:
        return "other"
    found = price(id_of(named))
    if is_by_usage(found):
        return "usage"
    return "seats" if is_per_seat(found) else "base"


def _part(kind: Kind, description: str, amount: int) -> list[PreviewPart]:
    return [PreviewPart(kind, description, None, None, amount)] if amount else []


def _sum(parts: list[PreviewPart]) -> int:
    return sum(part.amount_minor for part in parts)
