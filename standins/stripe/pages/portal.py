"""The customer portal: what billing.stripe.com is to a customer. Works without scripts."""

from werkzeug.wrappers import Response

from standins.stripe.pages import cards, details, plans
from standins.stripe.pages.view import see
from standins.stripe.pages.visit import View, Visit, visit
from standins.stripe.resources import standing, subscription_engine
from standins.stripe.store import Obj


@visit
def home(visit: Visit) -> Response:
    """Plan, cards, details and invoices; a flow that is not completed comes first."""
    if visit.flow("payment_method_update"):
        return cards.show_form(visit)
    for kind, page in (("subscription_cancel", "cancel"), ("subscription_update", "update")):
        flow = visit.flow(kind)
        if flow:
            return see(f"{visit.url}/subscriptions/{flow[kind]['subscription']}/{page}")
    confirm = visit.flow("subscription_update_confirm")
    if confirm:
        named = confirm["subscription_update_confirm"]
        return plans.show_confirmation(visit, named["subscription"], named["items"][0])
    store, ident = visit.world.store, visit.customer["id"]
    rows = [row for row in store.all("subscription", ident) if row["status"] not in standing.OVER]
    return visit.page(
        "home.html",
        plans=[_shown(visit, row) for row in rows],
        cards=store.all("payment_method", ident),
        default=visit.customer["invoice_settings"]["default_payment_method"],
        tax_ids=store.all("tax_id", ident),
        invoices=[row for row in store.all("invoice", ident) if row["status"] != "draft"][:24],
    )


def _shown(visit: Visit, plan: Obj) -> Obj:
    items = subscription_engine.items_of(visit.world, plan["id"])
    return {
        "plan": plan,
        "items": [(item, visit.world.get("product", item["price"]["product"])) for item in items],
        "renews": items[0]["current_period_end"],
        "can_switch": plans.can_switch(visit, plan),
        "held": _held(visit, plan),
    }


def _held(visit: Visit, plan: Obj) -> Obj | None:
    """What a schedule has in store for the plan."""
    schedule = visit.world.store.find(plan["schedule"] or "", "subscription_schedule")
    now = visit.world.now(visit.customer["id"])
    for phase in schedule["phases"] if schedule else []:
        if phase["start_date"] > now:
            price = visit.world.get("price", phase["items"][0]["price"])
            product = visit.world.get("product", price["product"])
            quantity = phase["items"][0]["quantity"]
            return {"price": price, "product": product, "quantity": quantity, "at": phase["start_date"]}
    return None


_AT = r"/p/session/(?P<token>[\w-]+)"
PAGES: list[tuple[str, str, View]] = [
    ("GET", _AT, home),
    ("GET", _AT + "/payment-methods/new", cards.card_form),
    ("POST", _AT + "/payment-methods", cards.add_card),
    ("POST", _AT + r"/payment-methods/(?P<card>\w+)/default", cards.make_default),
    ("POST", _AT + r"/payment-methods/(?P<card>\w+)/remove", cards.remove_card),
    ("GET", _AT + "/customer", details.details_form),
    ("POST", _AT + "/customer", details.save_details),
    ("GET", _AT + "/tax-ids/new", details.tax_form),
    ("POST", _AT + "/tax-ids", details.add_tax_id),
    ("POST", _AT + r"/tax-ids/(?P<tax_id>\w+)/remove", details.remove_tax_id),
    ("GET", _AT + r"/subscriptions/(?P<plan>\w+)/cancel", plans.cancel_form),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/cancel", plans.cancel),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/keep", plans.keep),
    ("GET", _AT + r"/subscriptions/(?P<plan>\w+)/update", plans.update_form),
    ("GET", _AT + r"/subscriptions/(?P<plan>\w+)/confirm", plans.confirm_form),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/confirm", plans.confirm),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/release", plans.release),
]
