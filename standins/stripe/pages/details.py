"""The portal's form for name, mail and address, and tax ids."""

import re

from werkzeug.wrappers import Response

from standins.stripe.errors import ApiError
from standins.stripe.pages.view import see
from standins.stripe.pages.visit import Visit, refused, visit
from standins.stripe.resources import customers, tax_ids
from standins.stripe.store import Obj

ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")


@visit
def details_form(visit: Visit) -> Response:
    """The form for name, mail, phone and address."""
    return _details_form(visit, {}) if visit.allows("customer_update") else refused()


def _details_form(visit: Visit, errors: dict[str, str]) -> Response:
    owner, form = visit.customer, visit.request.form
    address = owner["address"] or {}
    stored = {name: owner[name] or "" for name in ("name", "email", "phone")}
    stored |= {name: address.get(name) or "" for name in ADDRESS}
    values = {name: form.get(name, value) for name, value in stored.items()}
    return visit.page("details.html", 422 if errors else 200, values=values, errors=errors)


@visit
def save_details(visit: Visit) -> Response:
    """Changes what the configuration lets the customer change."""
    if not visit.allows("customer_update"):
        return refused()
    form = visit.request.form
    change: Obj = {
        name: form.get(name, "").strip() or None
        for name in ("name", "email", "phone")
        if visit.may_update(name)
    }
    if visit.may_update("address"):
        change["address"] = {name: form.get(name, "").strip() or None for name in ADDRESS}
    if change.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", change["email"]):
        return _details_form(visit, {"email": "Write the address as name@example.com."})
    customers.update(visit.world, visit.customer["id"], change)
    return see(visit.url)


@visit
def tax_form(visit: Visit) -> Response:
    """The form for a tax id."""
    return _tax_form(visit) if visit.may_update("tax_id") else refused()


def _tax_form(visit: Visit, error: str | None = None) -> Response:
    kinds = tuple(tax_ids.PATTERNS)
    return visit.page("tax_id.html", 422 if error else 200, kinds=kinds, form=visit.request.form, error=error)


@visit
def add_tax_id(visit: Visit) -> Response:
    """Adds a tax id."""
    if not visit.may_update("tax_id"):
        return refused()
    form = visit.request.form
    try:
        with visit.world.store.step():
            tax_ids.add(visit.world, visit.customer["id"], form.get("type", ""), form.get("value", ""))
    except ApiError as error:
        return _tax_form(visit, error.message)
    return see(visit.url)


@visit
def remove_tax_id(visit: Visit, tax_id: str) -> Response:
    """Removes a tax id."""
    found = visit.world.store.find(tax_id, "tax_id")
    if not visit.may_update("tax_id") or found is None or found["customer"] != visit.customer["id"]:
        return refused()
    visit.world.delete(found, "customer.tax_id.deleted")
    return see(visit.url)
