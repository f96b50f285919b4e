"""Prices by the names that a Stripe account gives them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyedPrice:
    """A price with its lookup key, which is the same in live and test mode while ids differ."""

    lookup_key: str
    id: str
    product_id: str
