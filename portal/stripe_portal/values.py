"""A class of the portal file as Stripe's configuration: what is written there, and what differs from it.

https://docs.stripe.com/api/customer_portal/configurations/object
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portal import links
from portal.context import current_settings
from portal.stripe_portal.file import PortalFile, Product, SubscriptionCancel, SubscriptionUpdate

PRODUCTS = "features.subscription_update.products"
OFF = {"enabled": False}
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not at Stripe what the file says. Both are in words."""

    place: str
    in_file: str
    at_stripe: str

    def __str__(self) -> str:
        return f"{self.place}: {self.in_file} in the file, {self.at_stripe} at Stripe"


@dataclass(frozen=True, slots=True)
class Offer:
    """A product of the file with the ids that Stripe knows it by."""

    product_id: str
    price_ids: tuple[str, ...]
    entry: Product


def owner_marks(customer_class: str) -> dict[str, str]:
    """The metadata that tells our configuration of a class from another portal's on the same Stripe account."""
    return {"portal": current_settings().public_app_url, "portal_class": customer_class}


def wanted_values(file: PortalFile, customer_class: str, offers: Sequence[Offer]) -> Values:
    """The whole configuration of a class. A feature that is off is said to be off, so that a change shows."""
    described, settings = file.classes[customer_class], current_settings()
    features = described.features
    profile = file.business_profile
    allowed = list(features.customer_update.allowed_updates)
    return {
        "active": True,
        "name": f"{settings.product_name}: {described.label}",
        "business_profile": {
            "headline": file.headline(settings.product_name),
            "privacy_policy_url": profile.privacy_policy_url,
            "terms_of_service_url": profile.terms_of_service_url,
        },
        "default_return_url": links.billing(),
        "login_page": OFF,  # whoever reads the billing mailbox would get in, whatever role they have here
        "metadata": owner_marks(customer_class),
        "features": {
            "invoice_history": features.invoice_history.model_dump(),
            "payment_method_update": features.payment_method_update.model_dump(),
            "customer_update": {"enabled": True, "allowed_updates": allowed} if allowed else OFF,
            "subscription_cancel": _cancel(features.subscription_cancel),
            "subscription_update": _update(features.subscription_update, offers),
        },
    }


def _cancel(feature: SubscriptionCancel) -> Values:
    if not feature.enabled:
        return OFF
    reasons = list(feature.cancellation_reasons)
    return {
        "enabled": True,
        "mode": feature.mode,
        "proration_behavior": feature.proration_behavior,
        "cancellation_reason": {"enabled": bool(reasons), "options": reasons},
    }


def _update(feature: SubscriptionUpdate, offers: Sequence[Offer]) -> Values:
    if not feature.enabled:
        return OFF
    return {
        "enabled": True,
        "default_allowed_updates": list(feature.default_allowed_updates),
        "proration_behavior": feature.proration_behavior,
        "billing_cycle_anchor": feature.billing_cycle_anchor,
        "trial_update_behavior": feature.trial_update_behavior,
        "schedule_at_period_end": {"conditions": [{"type": kind} for kind in feature.schedule_at_period_end]},
        "products": [_product(offer) for offer in offers],
    }


def _product(offer: Offer) -> Values:
    seats = offer.entry.adjustable_quantity
    bounds = {"enabled": True, "minimum": seats.minimum, "maximum": seats.maximum} if seats else OFF
    return {"product": offer.product_id, "prices": list(offer.price_ids), "adjustable_quantity": bounds}


def parameters(values: Values, *, is_new: bool) -> Values:
    """`values` as Stripe takes them. An empty text clears a field or a list, but what is new has nothing to clear."""
    kept = {name: value for name, value in values.items() if not (is_new and name == "active")}
    return {name: wire for name, value in kept.items() if (wire := _wire(name, value, is_new)) is not None}


def _wire(name: str, value: Any, is_new: bool) -> Any:
    """None for what is to be left out: Stripe takes no empty text there when it makes a configuration."""
    if isinstance(value, dict):
        parts = {key: wire for key, part in value.items() if (wire := _wire(key, part, is_new)) is not None}
        return parts or None
    if value in ("", []):
        return None if is_new and name != "options" else ""
    if isinstance(value, list):
        return [_wire(name, part, is_new) for part in value]
    return value


def differences(wanted: Values, live: Values) -> tuple[Difference, ...]:
    """What Stripe has otherwise than `wanted`, in the order of the file; more products than wanted are one too."""
    expected, found = dict(_flat("", wanted)), dict(_flat("", live))
    more = [place for place in found if place.startswith(PRODUCTS) and place not in expected]
    if not wanted["features"]["subscription_update"]["enabled"]:
        more = []
    return tuple(
        Difference(place, _words(expected.get(place)), _words(found.get(place)))
        for place in (*expected, *more)
        if expected.get(place) != found.get(place)
    )


def _flat(place: str, value: Any) -> Iterator[tuple[str, object]]:
    """Leaves by their place. Lists have no order at Stripe, products stand under their id, no text is an empty one."""
    if place == PRODUCTS:
        for product in value or ():
            yield f"{place}.{product['product']}.prices", sorted(product["prices"])
            yield f"{place}.{product['product']}.adjustable_quantity", _bounds(product["adjustable_quantity"])
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _flat(f"{place}.{name}" if place else name, part)
    elif isinstance(value, list):
        yield place, sorted(part["type"] if isinstance(part, dict) else part for part in value)
    elif place.endswith("billing_cycle_anchor"):
        yield place, value or "unchanged"
    else:
        yield place, "" if value is None else value


def _bounds(seats: Values) -> str:
    return f"{seats['minimum']} to {seats.get('maximum') or 'any'}" if seats["enabled"] else "fixed"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value) if value not in ("", None) else "nothing"
