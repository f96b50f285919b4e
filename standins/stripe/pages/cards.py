"""The portal's cards: added, made the default, removed."""

import re
from collections.abc import Mapping

from werkzeug.wrappers import Response

from standins.stripe.errors import ApiError
from standins.stripe.pages.view import see
from standins.stripe.pages.visit import Visit, refused, visit
from standins.stripe.resources import customers, payment_methods, setup_intents, standing
from standins.stripe.store import Obj
from standins.stripe.world import World


def show_form(visit: Visit, error: ApiError | None = None) -> Response:
    """The form, with the error beside its field."""
    fields = {"number": "number", "exp_month": "expiry", "exp_year": "expiry", "cvc": "cvc"}
    where = fields.get(error.param or "", "number") if error else None
    return visit.page(
        "card.html",
        422 if error else 200,
        form=visit.request.form,
        where=where,
        error=error.message if error else None,
        in_flow=visit.flow("payment_method_update") is not None,
    )


@visit
def card_form(visit: Visit) -> Response:
    """The form for a new card."""
    return show_form(visit) if visit.allows("payment_method_update") else refused()


@visit
def add_card(visit: Visit) -> Response:
    """Adds a card; in a flow it becomes the default, otherwise if that is ticked."""
    if not visit.allows("payment_method_update"):
        return refused()
    form, world, customer = visit.request.form, visit.world, visit.customer["id"]
    try:
        with world.store.step():
            card = typed_card(world, form, customer)
            if visit.flow("payment_method_update") or form.get("default") or _is_first(visit):
                customers.update(
                    world, customer, {"invoice_settings": {"default_payment_method": card["id"]}}
                )
    except ApiError as error:
        return show_form(visit, error)
    return visit.done("payment_method_update", "Your payment method was updated.")


def typed_card(world: World, form: Mapping[str, str], customer: str) -> Obj:
    """A card from number, expiry and CVC, saved with the customer. ApiError says which field is wrong."""
    month, year = _expiry(form.get("expiry", ""))
    cvc = form.get("cvc", "").strip()
    card = payment_methods.from_number(world, form.get("number", ""), month, year, cvc)
    given = {"customer": customer, "payment_method": card["id"], "confirm": True, "usage": "off_session"}
    setup_intents.create(world, given)
    return card


def _is_first(visit: Visit) -> bool:
    return len(visit.world.store.all("payment_method", visit.customer["id"])) == 1


def _expiry(value: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{4}|\d{2})\s*", value)
    if not found:
        raise ApiError("Write the expiry date as MM / YY.", param="exp_month")
    year = int(found[2])
    return int(found[1]), year if year > 99 else 2000 + year


def _own_card(visit: Visit, card: str) -> Obj | None:
    found = visit.world.store.find(card, "payment_method")
    allowed = visit.allows("payment_method_update")
    return found if allowed and found and found["customer"] == visit.customer["id"] else None


@visit
def make_default(visit: Visit, card: str) -> Response:
    """Makes a card the default."""
    if _own_card(visit, card) is None:
        return refused()
    change = {"invoice_settings": {"default_payment_method": card}}
    customers.update(visit.world, visit.customer["id"], change)
    return see(visit.url)


@visit
def remove_card(visit: Visit, card: str) -> Response:
    """Removes a card; the default stays while a subscription runs."""
    is_default = visit.customer["invoice_settings"]["default_payment_method"] == card
    rows = visit.world.store.all("subscription", visit.customer["id"])
    needed = is_default and any(row["status"] not in standing.OVER for row in rows)
    if _own_card(visit, card) is None or needed:
        return refused()
    payment_methods.detach(visit.world, card)
    return see(visit.url)
