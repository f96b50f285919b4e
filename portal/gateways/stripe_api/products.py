"""Calls that find what is sold, by names that are the same in live and test mode."""

from collections.abc import Mapping, Sequence

from portal.gateways.stripe_api.client import Connection, path_of
from portal.gateways.stripe_objects.keyed_prices import KeyedPrice

MOST_LOOKUP_KEYS = 10  # Stripe takes so many in one request


class ProductCalls(Connection):
    """Products and prices by lookup keys and metadata. Only active ones are found."""

    def prices_by_lookup_key(self, lookup_keys: Sequence[str]) -> list[KeyedPrice]:
        """The active recurring prices with one of the keys, in no order; a key that no price has is left out."""
        chunks = (
            lookup_keys[at : at + MOST_LOOKUP_KEYS] for at in range(0, len(lookup_keys), MOST_LOOKUP_KEYS)
        )
        wanted = [{"lookup_keys": list(keys), "active": True, "type": "recurring"} for keys in chunks]
        found = (price for parameters in wanted for price in self._pages(path_of("prices"), parameters))
        return [KeyedPrice(price["lookup_key"], price["id"], price["product"]) for price in found]

    def products_by_metadata(self, metadata: Mapping[str, str]) -> list[str]:
        """The ids of active products that carry all of the metadata. Stripe's search lags behind, lists do not."""
        products = self._pages(path_of("products"), {"active": True})
        return [product["id"] for product in products if metadata.items() <= product["metadata"].items()]
