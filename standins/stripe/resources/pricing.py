"""What a quantity of a price costs: by the unit, or by tiers."""

from dataclasses import dataclass

from standins.stripe.amounts import shown
from standins.stripe.store import Obj


@dataclass(frozen=True)
class Part:
    """One line's worth of a price: `unit` is None for a flat fee."""

    quantity: int
    unit: int | None
    amount: int
    words: str


def rate(price: Obj) -> str:
    """`$12.00 / month`, `$90.00 / 3 months`; for tiers "by tiers / month"."""
    every = price["recurring"]["interval_count"]
    interval = price["recurring"]["interval"]
    per = interval if every == 1 else f"{every} {interval}s"
    unit = price["unit_amount"]
    return f"{'by tiers' if unit is None else shown(unit, price['currency'])} / {per}"


def cost(price: Obj, quantity: int) -> int:
    """The amount of a whole period, in minor units."""
    return sum(part.amount for part in parts(price, quantity))


def parts(price: Obj, quantity: int) -> list[Part]:
    """The lines that an invoice shows: one, or with tiers one for each that is reached and its flat fee.

    https://docs.stripe.com/subscriptions/pricing-models/tiered-pricing
    """
    if price["billing_scheme"] == "per_unit":
        unit = price["unit_amount"]
        return [Part(quantity, unit, unit * quantity, f"at {rate(price)}")]
    if price["tiers_mode"] == "volume":
        return _volume(price, quantity)
    found, below = [], 0
    for number, tier in enumerate(price["_tiers"], 1):
        inside = quantity - below if tier["up_to"] is None else min(quantity, tier["up_to"]) - below
        if inside > 0 or number == 1:
            found += _tier(price, tier, number, inside)
        below = tier["up_to"] or quantity
    return found


def _volume(price: Obj, quantity: int) -> list[Part]:
    for number, tier in enumerate(price["_tiers"], 1):
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            return _tier(price, tier, number, quantity)
    raise ValueError("the last tier of a price has no end")


def _tier(price: Obj, tier: Obj, number: int, quantity: int) -> list[Part]:
    unit, flat, currency = tier["unit_amount"] or 0, tier["flat_amount"], price["currency"]
    interval = price["recurring"]["interval"]
    words = f"Tier {number} at {shown(unit, currency)} / {interval}"
    found = [Part(quantity, unit, unit * quantity, words)]
    if flat:
        fee = f"Tier {number} flat fee at {shown(flat, currency)} / {interval}"
        found.append(Part(1, None, flat, fee))
    return found
