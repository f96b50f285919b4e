"""`stripe_portal.toml`: what Stripe's Customer Portal offers to each class of customer, read and checked.

Names and values are those of Stripe's configurations, and so are the limits:
https://docs.stripe.com/api/customer_portal/configurations/create
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from portal.config import ROOT
from portal.errors import InvalidInputError
from portal.identity.models import STANDARD_CLASS

PORTAL_FILE = ROOT / "stripe_portal.toml"
LONGEST_HEADLINE = 60
MOST_PRODUCTS = 10
ClassName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Url = Annotated[str, StringConstraints(pattern=r"^(https://\S+)?$")]
Proration = Literal["always_invoice", "create_prorations", "none"]
Reason = Literal[
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
]


class PortalFileError(InvalidInputError):
    """The file cannot be read or says what Stripe does not take. The message names the place in it."""


class _Part(BaseModel):
    """A table of the file. A name that it does not know is refused, so that a slip of the pen is no silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Switch(_Part):
    """A feature that is on or off."""

    enabled: bool = False


class BusinessProfile(_Part):
    """What Stripe shows around its pages."""

    headline: Text
    privacy_policy_url: Url = ""
    terms_of_service_url: Url = ""


class PaymentMethodUpdate(Switch):
    """Whether customers change what they pay with; Stripe's default list of ways to pay unless one is named."""

    payment_method_configuration: Annotated[str, StringConstraints(max_length=80)] = ""


class CustomerUpdate(_Part):
    """Which of their details customers may change at Stripe; none switches it off."""

    allowed_updates: tuple[Literal["address", "email", "name", "phone", "shipping", "tax_id"], ...] = ()


class SubscriptionCancel(Switch):
    """Whether and how customers cancel."""

    mode: Literal["at_period_end", "immediately"] = "at_period_end"
    proration_behavior: Proration = "none"
    cancellation_reasons: tuple[Reason, ...] = ()


class Seats(_Part):
    """How many seats customers may choose. Both ends are said, so that a change at Stripe shows."""

    minimum: int = Field(ge=1)
    maximum: int = Field(ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        return self


class Product(_Part):
    """A product to switch to: by lookup keys of its prices, or by its metadata."""

    lookup_keys: tuple[Text, ...] = ()
    metadata: dict[Text, Text] = Field(default_factory=dict)
    adjustable_quantity: Seats | None = None

    @model_validator(mode="after")
    def _named_one_way(self) -> Self:
        if bool(self.lookup_keys) == bool(self.metadata):
            raise ValueError("name the product by lookup_keys or by metadata, one of them")
        return self


class SubscriptionUpdate(Switch):
    """Whether and how customers switch plans and seats."""

    default_allowed_updates: tuple[Literal["price", "promotion_code", "quantity"], ...] = ()
    proration_behavior: Proration = "none"
    billing_cycle_anchor: Literal["now", "unchanged"] = "unchanged"
    trial_update_behavior: Literal["continue_trial", "end_trial"] = "end_trial"
    schedule_at_period_end: tuple[Literal["decreasing_item_amount", "shortening_interval"], ...] = ()
    products: tuple[Product, ...] = Field(default=(), max_length=MOST_PRODUCTS)

    @model_validator(mode="after")
    def _offers_something(self) -> Self:
        if self.enabled and not (self.products and self.default_allowed_updates):
            raise ValueError("enabled needs products and default_allowed_updates")
        return self


class Features(_Part):
    """What a class may do. What is left out is off."""

    invoice_history: Switch = Switch()
    payment_method_update: PaymentMethodUpdate = PaymentMethodUpdate()
    customer_update: CustomerUpdate = CustomerUpdate()
    subscription_cancel: SubscriptionCancel = SubscriptionCancel()
    subscription_update: SubscriptionUpdate = SubscriptionUpdate()


class CustomerClass(_Part):
    """One class of customer; `label` is what staff call it."""

    label: Text
    features: Features


class PortalFile(_Part):
    """The whole file. Classes are in its order."""

    business_profile: BusinessProfile
    classes: dict[ClassName, CustomerClass]

    @model_validator(mode="after")
    def _has_the_standard_class(self) -> Self:
        if STANDARD_CLASS not in self.classes:
            raise ValueError(f"[classes.{STANDARD_CLASS}] is missing")
        return self

    def headline(self, product_name: str) -> str:
        """The headline with the product's name in it. Raises `PortalFileError` where that is too long for Stripe."""
        text = self.business_profile.headline.replace("{product_name}", product_name)
        if len(text) > LONGEST_HEADLINE:
            message = (
                f"business_profile.headline: has {len(text)} characters, Stripe takes {LONGEST_HEADLINE}"
            )
            raise PortalFileError(message)
        return text


def read_portal_file(path: Path = PORTAL_FILE) -> PortalFile:
    """The checked file. Raises `PortalFileError` naming what is wrong and where."""
    try:
        return PortalFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PortalFileError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PortalFileError(f"{path.name}: {error}") from None
    except ValidationError as error:
        lines = [_one_line(item["loc"], item["msg"]) for item in error.errors()]
        raise PortalFileError(f"{path.name}: {'; '.join(lines)}") from None


def _one_line(location: tuple[int | str, ...], message: str) -> str:
    place = ".".join(map(str, location))
    text = message.removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
