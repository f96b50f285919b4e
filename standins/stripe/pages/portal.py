"""The customer portal: what billing.stripe.com is to a customer. Works without scripts."""

from werkzeug.wrappers import Response

from standins.stripe.pages import cards, details
from standins.stripe.pages.view import see
from standins.stripe.pages.visit import View, Visit, refused, visit
from standins.stripe.resources import standing, subscription_engine, subscriptions
from standins.stripe.store import Obj


@visit
def home(visit: Visit) -> Response:
    """Plan, cards, details and invoices; a flow that is not completed comes first."""
    if visit.flow("payment_method_update"):
        return cards.show_form(visit)
    cancel = visit.flow("subscription_cancel")
    if cancel:
        return see(f"{visit.url}/subscriptions/{cancel['subscription_cancel']['subscription']}/cancel")
    store, ident = visit.world.store, visit.customer["id"]
    plans = [
        (row, subscription_engine.items_of(visit.world, row["id"]))
        for row in store.all("subscription", ident)
        if row["status"] not in standing.OVER
    ]
    return visit.page(
        "home.html",
        plans=[
            (row, [(item, visit.world.get("product", item["price"]["product"])) for item in items])
            for row, items in plans
        ],
        cards=store.all("payment_method", ident),
        default=visit.customer["invoice_settings"]["default_payment_method"],
        tax_ids=store.all("tax_id", ident),
        invoices=[row for row in store.all("invoice", ident) if row["status"] != "draft"][:24],
    )


def _own_plan(visit: Visit, plan: str) -> Obj | None:
    found = visit.world.store.find(plan, "subscription")
    allowed = visit.allows("subscription_cancel") and found and found["status"] not in standing.OVER
    return found if allowed and found and found["customer"] == visit.customer["id"] else None


@visit
def cancel_form(visit: Visit, plan: str) -> Response:
    """Asks whether to cancel."""
    found = _own_plan(visit, plan)
    if found is None:
        return refused()
    at_end = visit.features["subscription_cancel"]["mode"] == "at_period_end"
    _, end = subscription_engine.period_of(visit.world, plan)
    reasons = visit.features["subscription_cancel"]["cancellation_reason"]
    return visit.page("cancel.html", plan=found, end=end, at_end=at_end, reasons=reasons)


@visit
def cancel(visit: Visit, plan: str) -> Response:
    """Cancels now or at the end of the period, as the configuration says."""
    if _own_plan(visit, plan) is None:
        return refused()
    settings, world = visit.features["subscription_cancel"], visit.world
    reason = visit.request.form.get("feedback")
    details = {"feedback": reason} if reason in settings["cancellation_reason"]["options"] else {}
    if settings["mode"] == "immediately":
        subscription_engine.end(world, plan, **details)
    else:
        subscriptions.update(world, plan, {"cancel_at_period_end": True, "cancellation_details": details})
    return visit.done("subscription_cancel", "Your subscription was canceled.")


@visit
def keep(visit: Visit, plan: str) -> Response:
    """Takes a cancellation at the end of the period back."""
    if _own_plan(visit, plan) is None:
        return refused()
    subscriptions.update(visit.world, plan, {"cancel_at_period_end": False})
    return see(visit.url)


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
    ("GET", _AT + r"/subscriptions/(?P<plan>\w+)/cancel", cancel_form),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/cancel", cancel),
    ("POST", _AT + r"/subscriptions/(?P<plan>\w+)/keep", keep),
]
