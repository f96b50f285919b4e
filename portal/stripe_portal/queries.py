"""Which Customer Portal configuration an organization's visits use, and the plans that it lets them switch to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from portal.context import current_settings
from portal.errors import ConflictError, UnavailableError
from portal.extensions import db
from portal.identity.models import STANDARD_CLASS, Organization
from portal.stripe_portal.models import StripeConfiguration


class NotConfiguredError(UnavailableError):
    """The organization's class has no configuration at Stripe yet: `flask stripe configure` makes it."""

    def __init__(self) -> None:
        super().__init__("Stripe's pages are not set up for this organization yet. Write to support.")


class NotOfferedError(ConflictError):
    """Stripe's pages do not offer this to the organization's class."""

    title = "Not offered to your organization"

    def __init__(self) -> None:
        super().__init__("Stripe's pages do not offer this to your organization. Write to support.")


class Feature(StrEnum):
    """What Stripe's pages may offer; values are Stripe's names in a configuration."""

    INVOICES = "invoice_history"
    CARD = "payment_method_update"
    DETAILS = "customer_update"
    CANCEL = "subscription_cancel"
    SWITCH = "subscription_update"


@dataclass(frozen=True, slots=True)
class SwitchableProduct:
    """A product that Stripe's portal lets a customer switch to, with the prices that it offers of it.

    `minimum` and `maximum` bound the seats where the customer may change them there; None is no bound.
    """

    product_id: str
    price_ids: tuple[str, ...]
    has_adjustable_seats: bool
    minimum: int | None = None
    maximum: int | None = None


def configuration_for(organization: Organization) -> str | None:
    """The id of the configuration of the organization's class, in the mode of the key.

    `STRIPE_PORTAL_CONFIG_ID` is the standard class's where it is set. None, for the standard class alone, is Stripe's
    own default. Another class never falls back to a configuration that may allow more: `NotConfiguredError`.
    """
    found = configuration_id(organization.customer_class)
    if found is None and organization.customer_class != STANDARD_CLASS:
        raise NotConfiguredError
    return found


def configuration_id(customer_class: str) -> str | None:
    """The configuration of a class: the environment's for the standard one, else what `flask stripe configure` made."""
    pinned = current_settings().stripe_portal_config_id
    if pinned and customer_class == STANDARD_CLASS:
        return pinned
    row = stored_configuration(customer_class)
    return row.stripe_id if row else None


def allowed_features(organization: Organization) -> frozenset[Feature]:
    """What Stripe's pages let the organization's class do, as it was last configured; all where nothing is known.

    Stripe refuses a deep link to what is off. Asks our database alone.
    """
    row = stored_configuration(organization.customer_class)
    if row is None or row.values is None:
        return frozenset(Feature)
    features = row.values["features"]
    return frozenset(feature for feature in Feature if features[feature.value]["enabled"])


def require_feature(organization: Organization, feature: Feature) -> None:
    """Raises `NotOfferedError` where Stripe's pages do not let the organization's class do this."""
    if feature not in allowed_features(organization):
        raise NotOfferedError


def switchable_products(organization: Organization) -> tuple[SwitchableProduct, ...]:
    """The products of the organization's class in the order of the portal file, as they were last configured.

    Empty where the class may not switch, or is not configured. Asks our database alone.
    """
    row = stored_configuration(organization.customer_class)
    if row is None or row.values is None:
        return ()
    change = row.values["features"]["subscription_update"]
    return tuple(_product(product) for product in change["products"]) if change["enabled"] else ()


def stored_configuration(customer_class: str, *, lock: bool = False) -> StripeConfiguration | None:
    """The class's configuration in the mode of the key, if `flask stripe configure` has made it."""
    statement = select(StripeConfiguration).where(
        StripeConfiguration.customer_class == customer_class,
        StripeConfiguration.livemode == current_settings().stripe_is_live,
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(statement)


def _product(values: dict[str, Any]) -> SwitchableProduct:
    seats = values["adjustable_quantity"]
    return SwitchableProduct(
        values["product"],
        tuple(values["prices"]),
        seats["enabled"],
        seats.get("minimum"),
        seats.get("maximum"),
    )
