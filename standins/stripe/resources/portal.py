"""Customer portal: configurations and sessions."""

import secrets

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, not_found, wrong_state
from standins.stripe.forms import boolean, clearable, integer, list_of, natural, one_of, record, text
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

LINK_LIFE = 300  # seconds in which a new link must be opened
VISIT_LIFE = 3600  # seconds that an opened session lives after its last use

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
_FLOW = record(
    {
        "type": one_of("payment_method_update", "subscription_cancel"),
        "after_completion": record(
            {
                "type": one_of("hosted_confirmation", "portal_homepage", "redirect"),
                "redirect": record({"return_url": forms.url}, ("return_url",)),
                "hosted_confirmation": record({"custom_message": text}),
            },
            ("type",),
        ),
        "subscription_cancel": record({"subscription": text}, ("subscription",)),
    },
    ("type",),
)
_SESSION: dict[str, forms.Check] = {
    "configuration": text,
    "customer": text,
    "flow_data": _FLOW,
    "locale": text,
    "return_url": forms.url,
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


def _apply(configuration: Obj, params: Obj) -> None:
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
    _apply(configuration, call.params)
    return world.render(world.create(configuration, event="billing_portal.configuration.created"))


def update_configuration(call: Call) -> Obj:
    """Changes a configuration."""
    event, ident = "billing_portal.configuration.updated", call.ids["configuration"]
    with call.world.changing("billing_portal.configuration", ident, event) as configuration:
        if configuration["is_default"] and call.params.get("active") is False:
            raise wrong_state("You cannot deactivate the default configuration.")
        _apply(configuration, call.params)
        configuration["updated"] = call.world.now()
    return call.world.render(configuration)


def create_session(call: Call) -> Obj:
    """Creates a session: a link to the customer's page that must be opened within five minutes."""
    world, params = call.world, call.params
    customer = world.get("customer", params["customer"], "customer")
    configuration = _configuration(world, params.get("configuration"))
    return_url = params.get("return_url") or configuration["default_return_url"]
    flow = params.get("flow_data")
    session: Obj = {
        "id": new_id("bps"),
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": world.now(),
        "customer": customer["id"],
        "flow": _flow(world, customer["id"], configuration, flow) if flow else None,
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": return_url,
        "_token": f"test_{secrets.token_urlsafe(32)}",
        "_expires": world.now() + LINK_LIFE,
    }
    world.create(session, parent=customer["id"], event="billing_portal.session.created")
    return world.render(session)


def _configuration(world: World, ident: str | None) -> Obj:
    if ident:
        found = world.get("billing_portal.configuration", ident, "configuration")
        if not found["active"]:
            raise invalid("configuration", "The configuration is inactive.")
        return found
    for found in world.store.all("billing_portal.configuration"):
        if found["is_default"]:
            return found
    raise wrong_state(
        "No configuration provided and your test mode default configuration has not been created."
    )


def _flow(world: World, customer: str, configuration: Obj, data: Obj) -> Obj:
    if not configuration["features"][data["type"]]["enabled"]:
        raise invalid("flow_data[type]", f"The configuration does not enable {data['type']}.")
    cancel = data.get("subscription_cancel")
    if data["type"] == "subscription_cancel":
        if not cancel:
            raise missing("flow_data[subscription_cancel]")
        found = world.store.find(cancel["subscription"], "subscription")
        if found is None or found["customer"] != customer:
            raise not_found(
                "subscription", cancel["subscription"], "flow_data[subscription_cancel][subscription]", 400
            )
    after = data.get("after_completion", {"type": "portal_homepage"})
    if after["type"] == "redirect" and "redirect" not in after:
        raise missing("flow_data[after_completion][redirect]")
    return {
        "type": data["type"],
        "after_completion": {
            "type": after["type"],
            "redirect": after.get("redirect"),
            "hosted_confirmation": after.get("hosted_confirmation"),
        },
        "subscription_cancel": {"retention": None, **cancel} if cancel else None,
        "subscription_update": None,
        "subscription_update_confirm": None,
    }


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
    Route("POST", "/v1/billing_portal/sessions", create_session, _SESSION, ("customer",)),
]
