"""The products of the portal file as Stripe knows them: lookup keys and metadata become ids."""

from collections.abc import Iterable, Sequence

from portal.context import stripe
from portal.gateways.stripe_objects.keyed_prices import KeyedPrice
from portal.stripe_portal.file import CustomerClass, PortalFileError, Product
from portal.stripe_portal.values import Offer


def find_offers(described: CustomerClass) -> list[Offer]:
    """What the class may switch to; nothing where switching is off. Asks Stripe.

    Raises `PortalFileError` naming a key that no active price has, and what Stripe raises.
    """
    feature = described.features.subscription_update
    if not feature.enabled:
        return []
    keys = [key for product in feature.products for key in product.lookup_keys]
    known = {price.lookup_key: price for price in stripe().prices_by_lookup_key(keys)} if keys else {}
    offers = [
        _by_keys(product, known) if product.lookup_keys else _by_metadata(product)
        for product in feature.products
    ]
    _require_once(offer.product_id for offer in offers)
    return offers


def _by_keys(product: Product, known: dict[str, KeyedPrice]) -> Offer:
    if missing := [key for key in product.lookup_keys if key not in known]:
        raise PortalFileError(f"no active price at Stripe has the lookup key {', '.join(missing)}")
    prices = [known[key] for key in product.lookup_keys]
    product_ids = {price.product_id for price in prices}
    if len(product_ids) > 1:
        raise PortalFileError(f"{', '.join(product.lookup_keys)}: prices of different products")
    return Offer(product_ids.pop(), tuple(price.id for price in prices), product)


def _by_metadata(product: Product) -> Offer:
    words = ", ".join(f"{name} = {value}" for name, value in product.metadata.items())
    found = stripe().products_by_metadata(product.metadata)
    if len(found) != 1:
        raise PortalFileError(f"{len(found) or 'no'} active products at Stripe have the metadata {words}")
    price_ids = tuple(price.id for price in stripe().prices(found))
    if not price_ids:
        raise PortalFileError(f"the product with the metadata {words} has no active recurring price")
    return Offer(found[0], price_ids, product)


def _require_once(product_ids: Iterable[str]) -> None:
    ids: Sequence[str] = list(product_ids)
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise PortalFileError(f"listed twice: product {', '.join(twice)}. Name all its prices in one entry.")
