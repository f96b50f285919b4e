"""Prices and what a number of seats costs by them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from portal.gateways.stripe_objects.kit import Tree, id_of, line, minor, whole_minor

ProductName = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a tiered price, up to and with `up_to` units (None: without end), in minor units."""

    up_to: int | None
    unit: Decimal
    flat: Decimal


@dataclass(frozen=True, slots=True)
class PriceSnapshot:
    """A recurring price. `unit_minor` is None where it has tiers, goes by usage or has fractions of a minor unit.

    `is_graduated` tells the two ways of tiers apart: each unit by the tier it falls into, or all by the last one.
    """

    id: str
    product_id: str
    plan_name: str
    currency: str
    interval: str
    interval_count: int
    unit_minor: int | None
    is_per_seat: bool
    tiers: tuple[Tier, ...] = ()
    is_graduated: bool = False
    unit: Decimal | None = None

    def cost_minor(self, seats: int) -> int | None:
        """What one period costs before tax and discounts; None where that depends on usage or on packages."""
        if self.tiers:
            return _rounded(self._tiered(seats))
        return _rounded(self.unit * seats) if self.unit is not None else None

    def _tiered(self, seats: int) -> Decimal:
        if not self.is_graduated:
            tier = next(tier for tier in self.tiers if tier.up_to is None or seats <= tier.up_to)
            return tier.unit * seats + tier.flat
        total, counted = Decimal(0), 0
        for tier in self.tiers:
            upper = seats if tier.up_to is None else min(seats, tier.up_to)
            if upper > counted or (counted == 0 and seats == 0):
                total += tier.unit * (upper - counted) + tier.flat
            if tier.up_to is None or tier.up_to >= seats:
                break
            counted = tier.up_to
        return total


def price_snapshot(data: Tree, product_name: ProductName) -> PriceSnapshot:
    """From a recurring price, with `tiers` expanded where it has some."""
    recurring = data["recurring"]
    is_counted = recurring["usage_type"] == "licensed" and not data.get("transform_quantity")
    is_flat = is_counted and data["billing_scheme"] == "per_unit"
    product = id_of(data["product"])
    return PriceSnapshot(
        id=data["id"],
        product_id=product,
        plan_name=line(product_name(product), 120) or "Plan",
        currency=data["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        unit_minor=whole_minor(data.get("unit_amount_decimal")) if is_flat else None,
        is_per_seat=is_per_seat(data),
        tiers=tuple(_tier(tier) for tier in data.get("tiers") or []) if is_counted else (),
        is_graduated=data.get("tiers_mode") == "graduated",
        unit=minor(data.get("unit_amount_decimal")) if is_flat else None,
    )


def is_per_seat(price: Tree) -> bool:
    """Whether the quantity of this price is the number of seats: the price's metadata says `per: seat`."""
    return (price.get("metadata") or {}).get("per") == "seat"


def is_by_usage(price: Tree) -> bool:
    """Whether what it costs is known only at the end of the period."""
    return (price.get("recurring") or {}).get("usage_type") == "metered"


def _tier(data: Tree) -> Tier:
    return Tier(
        data.get("up_to"),
        minor(data.get("unit_amount_decimal")) or Decimal(0),
        minor(data.get("flat_amount_decimal")) or Decimal(0),
    )


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
