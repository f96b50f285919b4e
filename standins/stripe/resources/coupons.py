"""Coupons, and the discount that a subscription has from one."""

from standins.stripe import forms
from standins.stripe.errors import invalid, missing
from standins.stripe.forms import natural, one_of, text
from standins.stripe.resources import discount_engine
from standins.stripe.routes import Call, Route, listing, retrieve
from standins.stripe.store import Obj
from standins.stripe.world import World, new_id

_CREATE: dict[str, forms.Check] = {
    "amount_off": natural,
    "currency": text,
    "duration": one_of("forever", "once", "repeating"),
    "duration_in_months": natural,
    "id": text,
    "metadata": forms.metadata,
    "name": forms.text_up_to(40),
    "percent_off": forms.percent,
}


def create_coupon(call: Call) -> Obj:
    """Creates a coupon: a percentage, or an amount in minor units of its currency."""
    world, params = call.world, call.params
    duration = params.get("duration", "once")
    _check(params, duration)
    ident = params.get("id") or new_id("x", 8)[2:]
    if world.store.find(ident):
        raise invalid("id", "Coupon already exists.", "resource_already_exists")
    coupon: Obj = {
        "id": ident,
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": world.now(),
        "currency": params.get("currency"),
        "duration": duration,
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": None,
        "metadata": params.get("metadata", {}),
        "name": params.get("name"),
        "percent_off": params.get("percent_off"),
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }
    return world.render(world.create(coupon, event="coupon.created"))


def _check(params: Obj, duration: str) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("percent_off", "Specify one of percent_off and amount_off.")
    if "amount_off" in params and "currency" not in params:
        raise missing("currency")
    if (duration == "repeating") != ("duration_in_months" in params):
        raise invalid("duration_in_months", "duration_in_months goes with the duration repeating.")


def delete_coupon(call: Call) -> Obj:
    """Deletes a coupon; discounts that came of it run on."""
    coupon = call.world.get("coupon", call.ids["coupon"])
    call.world.emit("coupon.deleted", call.world.render(coupon))
    call.world.store.update(coupon | {"_deleted": True, "valid": False})
    return {"id": coupon["id"], "object": "coupon", "deleted": True}


def give(world: World, subscription: Obj, entries: list[Obj]) -> None:
    """Sets a subscription's discounts: `{"coupon": id}` begins one, `{"discount": id}` keeps one."""
    wanted = []
    for index, entry in enumerate(entries):
        if "discount" in entry:
            if entry["discount"] not in subscription["discounts"]:
                raise invalid(
                    f"discounts[{index}][discount]", "The subscription does not have this discount."
                )
            wanted.append(entry["discount"])
        else:
            param = f"discounts[{index}][coupon]"
            coupon = world.get("coupon", entry.get("coupon", ""), param)
            if coupon["currency"] not in (None, subscription["currency"]):
                raise invalid(param, "The coupon has another currency.")
            wanted.append(discount_engine.start(world, subscription, coupon))
    for ident in subscription["discounts"]:
        if ident not in wanted:
            discount_engine.stop(world, ident)
    subscription["discounts"] = wanted


def remove_discount(call: Call) -> Obj:
    """Ends a subscription's discounts; answers with the last one, as deleted."""
    ident = call.ids["subscription"]
    with call.world.changing("subscription", ident, "customer.subscription.updated") as subscription:
        if not subscription["discounts"]:
            raise invalid("subscription", "No active discount for subscription.", "resource_missing")
        last = call.world.get("discount", subscription["discounts"][-1])
        give(call.world, subscription, [])
    gone = {name: value for name, value in last.items() if name != "end"}
    return gone | {"deleted": True}


_ONE = "/v1/coupons/{coupon}"
DISCOUNTS = forms.list_of(forms.record({"coupon": text, "discount": text}))
ROUTES = [
    Route("POST", "/v1/coupons", create_coupon, _CREATE),
    Route("GET", "/v1/coupons", listing("coupon"), {**forms.LIST, "created": forms.time_range}),
    Route("GET", _ONE, retrieve("coupon", "coupon")),
    Route("DELETE", _ONE, delete_coupon),
    Route("DELETE", "/v1/subscriptions/{subscription}/discount", remove_discount),
]
