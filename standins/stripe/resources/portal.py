"""Customer portal: configurations, which say what its pages offer."""

from standins.stripe import forms
from standins.stripe.errors import invalid, wrong_state
from standins.stripe.forms import boolean, clearable, integer, list_of, natural, one_of, record, text
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_UPDATES = ("address", "email", "name", "phone", "shipping", "tax_id")
_PRORATION = one_of("always_invoice", "create_prorations", "none")
_REASONS = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
_ON = {"enabled": boolean}
_FIXED: Obj = {"enabled": False, "maximum": None, "minimum": 0}
_PRODUCTS = list_of(
    record(
        {
            "product": text,
            "prices": list_of(text),
            "adjustable_quantity": record(
                {"enabled": boolean, "maximum": integer, "minimum": natural}, ("enabled",)
            ),
        },
        ("product", "prices"),
    )
)
_CANCEL = record(
    {
        "cancellation_reason": record(
            {"enabled": boolean, "options": list_of(one_of(*_REASONS))}, ("enabled",)
        ),
        "enabled": boolean,
        "mode": one_of("at_period_end", "immediately"),
        "proration_behavior": _PRORATION,
    }
)
_CHANGE = record(
    {
        "billing_cycle_anchor": one_of("now", "unchanged"),
        "default_allowed_updates": list_of(one_of("price", "promotion_code", "quantity")),
        "enabled": boolean,
        "products": _PRODUCTS,
        "proration_behavior": _PRORATION,
        "schedule_at_period_end": record(
            {"conditions": list_of(record({"type": one_of("decreasing_item_amount", "shortening_interval")}))}
        ),
        "trial_update_behavior": one_of("continue_trial", "end_trial"),
    }
)
_FEATURES = record(
    {
        "customer_update": record({**_ON, "allowed_updates": list_of(one_of(*_UPDATES))}),
        "invoice_history": record(_ON, ("enabled",)),
        "payment_method_update": record({**_ON, "payment_method_configuration": clearable(text)}),
        "subscription_cancel": _CANCEL,
        "subscription_update": _CHANGE,
    }
)
_CONFIGURATION: dict[str, forms.Check] = {
    "business_profile": record(
        {
            "headline": clearable(text),
            "privacy_policy_url": clearable(forms.url),
            "terms_of_service_url": clearable(forms.url),
        }
    ),
    "default_return_url": clearable(forms.url),
    "features": _FEATURES,
    "login_page": record(_ON, ("enabled",)),
    "metadata": forms.metadata,
    "name": clearable(text),
}


def _default_features() -> Obj:
    cancel = {
        "cancellation_reason": {"enabled": False, "options": ["too_expensive", "unused", "other"]},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    }
    change: Obj = {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    }
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": cancel,
        "subscription_update": change,
    }


def _check_products(world: World, products: list[Obj]) -> None:
    at = "features[subscription_update][products]"
    if len(products) > 10:
        raise invalid(at, f"Array {at} exceeded maximum 10 allowed elements.")
    for index, entry in enumerate(products):
        world.get("product", entry["product"], f"{at}[{index}][product]")
        for price in entry["prices"]:
            found = world.get("price", price, f"{at}[{index}][prices]")
            if found["product"] != entry["product"] or found["type"] != "recurring" or not found["active"]:
                told = f"The price {price} is not an active, recurring price of {entry['product']}."
                raise invalid(f"{at}[{index}][prices]", told)


def _apply(world: World, configuration: Obj, params: Obj) -> None:
    change = params.get("features", {}).get("subscription_update", {})
    if "products" in change:
        _check_products(world, change["products"])
        for entry in change["products"]:
            entry["adjustable_quantity"] = _FIXED | entry.get("adjustable_quantity", {})
    for name in ("active", "default_return_url", "name"):
        configuration[name] = params.get(name, configuration[name])
    for name in ("business_profile", "login_page"):
        configuration[name] = configuration[name] | params.get(name, {})
    for name, change in params.get("features", {}).items():
        configuration["features"][name] = configuration["features"][name] | change
    configuration["metadata"] = forms.merged(configuration["metadata"], params.get("metadata", {}))


def create_configuration(call: Call) -> Obj:
    """Creates a configuration; the first one is the default."""
    world = call.world
    now = world.now()
    configuration: Obj = {
        "id": new_id("bpc"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": now,
        "default_return_url": None,
        "features": _default_features(),
        "is_default": not world.store.all("billing_portal.configuration"),
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": now,
    }
    _apply(call.world, configuration, call.params)
    return world.render(world.create(configuration, event="billing_portal.configuration.created"))


def update_configuration(call: Call) -> Obj:
    """Changes a configuration."""
    event, ident = "billing_portal.configuration.updated", call.ids["configuration"]
    with call.world.changing("billing_portal.configuration", ident, event) as configuration:
        if configuration["is_default"] and call.params.get("active") is False:
            raise wrong_state("You cannot deactivate the default configuration.")
        _apply(call.world, configuration, call.params)
        configuration["updated"] = call.world.now()
    return call.world.render(configuration)


_ALL = "/v1/billing_portal/configurations"
_KIND = "billing_portal.configuration"
ROUTES = [
    Route("POST", _ALL, create_configuration, _CONFIGURATION, ("features",)),
    Route(
        "GET",
        _ALL,
        listing(_KIND, "active", "is_default"),
        {**forms.LIST, "active": boolean, "is_default": boolean},
    ),
    Route("GET", _ALL + "/{configuration}", retrieve(_KIND, "configuration")),
    Route("POST", _ALL + "/{configuration}", update_configuration, {**_CONFIGURATION, "active": boolean}),
]
