"""Customer portal: sessions, and the flows that lead straight to one action."""

import secrets

from standins.stripe import forms
from standins.stripe.errors import invalid, missing, not_found, wrong_state
from standins.stripe.forms import list_of, natural, one_of, record, text
from standins.stripe.resources import switching
from standins.stripe.routes import Call, Route
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

LINK_LIFE = 300  # seconds in which a new link must be opened
VISIT_LIFE = 3600  # seconds that an opened session lives after its last use

_PLAN = record({"subscription": text}, ("subscription",))
_ITEM = record({"id": text, "price": text, "quantity": natural}, ("id",))
_FLOW = record(
    {
        "type": one_of(
            "payment_method_update",
            "subscription_cancel",
            "subscription_update",
            "subscription_update_confirm",
        ),
        "after_completion": record(
            {
                "type": one_of("hosted_confirmation", "portal_homepage", "redirect"),
                "redirect": record({"return_url": forms.url}, ("return_url",)),
                "hosted_confirmation": record({"custom_message": forms.text_up_to(500)}),
            },
            ("type",),
        ),
        "subscription_cancel": _PLAN,
        "subscription_update": _PLAN,
        "subscription_update_confirm": record(
            {"items": list_of(_ITEM), "subscription": text}, ("items", "subscription")
        ),
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
    kind = data["type"]
    feature = "subscription_update" if kind == "subscription_update_confirm" else kind
    if not configuration["features"][feature]["enabled"]:
        raise invalid("flow_data[type]", f"The configuration does not enable {feature}.")
    if kind != "payment_method_update":
        _check_plan(world, customer, configuration, kind, data)
    after = data.get("after_completion", {"type": "portal_homepage"})
    if after["type"] == "redirect" and "redirect" not in after:
        raise missing("flow_data[after_completion][redirect]")
    cancel, confirm = data.get("subscription_cancel"), data.get("subscription_update_confirm")
    return {
        "type": kind,
        "after_completion": {
            "type": after["type"],
            "redirect": after.get("redirect"),
            "hosted_confirmation": after.get("hosted_confirmation"),
        },
        "subscription_cancel": {"retention": None, **cancel} if cancel else None,
        "subscription_update": data.get("subscription_update"),
        "subscription_update_confirm": {"discounts": None, **confirm} if confirm else None,
    }


def _check_plan(world: World, customer: str, configuration: Obj, kind: str, data: Obj) -> None:
    named, param = data.get(kind), f"flow_data[{kind}]"
    if not named:
        raise missing(param)
    found = world.store.find(named["subscription"], "subscription")
    if found is None or found["customer"] != customer:
        raise not_found("subscription", named["subscription"], f"{param}[subscription]", 400)
    if kind == "subscription_cancel":
        if found["cancel_at_period_end"]:
            raise invalid(f"{param}[subscription]", "The subscription is already set to be canceled.")
        return
    reason = switching.why_not(world, configuration, found)
    if reason:
        raise invalid(f"{param}[subscription]", reason)
    if kind == "subscription_update_confirm":
        switching.check_items(world, configuration, found, named["items"], f"{param}[items]")


ROUTES = [Route("POST", "/v1/billing_portal/sessions", create_session, _SESSION, ("customer",))]
