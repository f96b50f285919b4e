"""The company's tax ids: the list on the billing screen, and a page to add or remove one."""

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.billing import billing
from blueprints.billing._at_stripe import new_token, the_click
from blueprints.billing.details import last_invoice, the_details
from blueprints.billing.details_forms import TaxIdForm
from portal.company.queries import tax_id_by_id
from portal.company.tax_id_checks import forms_of
from portal.company.tax_ids import add_tax_id, look_up_again, remove_tax_id
from portal.permissions import Permission


@billing.get("/tax-ids")
@requires(Permission.BILLING_READ)
def tax_ids() -> Response:
    """The list's part of the billing page, asked for again while a number is being looked up."""
    if not is_fragment_request():
        return redirect_to(_back())
    return fragment("billing/_tax_ids.html", details=the_details())


@billing.get("/tax-ids/new")
@requires(Permission.BILLING_MANAGE)
def new_tax_id() -> Response:
    """The form for another number, of the address's country at first."""
    form = TaxIdForm(formdata=None)
    form.offer(the_details().address.country)
    return show_new(form)


@billing.post("/tax-ids/new")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def create_tax_id() -> Response:
    """Put a number on the next invoices."""
    form, actor = sent_form(), current_actor()
    made = carry_out(
        form,
        lambda: add_tax_id(
            actor, str(form.country.data), str(form.type.data), str(form.value.data), the_click().token
        ),
    )
    if made is None:
        return show_new(form, 422)
    return redirect_to(_back(), f"{made.value} is added. It applies from the next invoice on.")


@billing.post("/tax-ids/fields")
@requires(Permission.BILLING_MANAGE)
def tax_id_fields() -> Response:
    """The kinds of another country, around what was typed. Nothing is changed."""
    form = sent_form()
    if is_fragment_request():
        return fragment("billing/_tax_id_fields.html", form=form, kinds=forms_of(str(form.country.data)))
    return show_new(form)


@billing.get("/tax-ids/<tax_id>/remove")
@requires(Permission.BILLING_MANAGE)
def confirm_tax_id_removal(tax_id: str) -> Response:
    """Ask once more, as a dialog or as a page."""
    found = tax_id_by_id(current_actor().organization, tax_id)
    if is_fragment_request():
        return fragment("billing/_remove_tax_id_dialog.html", tax_id=found)
    return page("billing/remove_tax_id.html", tax_id=found)


@billing.post("/tax-ids/<tax_id>/remove")
@requires(Permission.BILLING_MANAGE)
def delete_tax_id(tax_id: str) -> Response:
    """Take a number off the next invoices."""
    removed = remove_tax_id(current_actor(), tax_id)
    return redirect_to(_back(), f"{removed.value} is removed from the next invoice on.")


@billing.post("/tax-ids/<tax_id>/look-up")
@requires(Permission.BILLING_MANAGE)
@limiter.limit(COSTLY)
def look_tax_id_up(tax_id: str) -> Response:
    """Ask the register once more."""
    asked = look_up_again(current_actor(), tax_id)
    return redirect_to(_back(), f"{asked.value} is being looked up.")


def sent_form() -> TaxIdForm:
    """The form as it was sent, with the kinds of the country that was chosen."""
    form = TaxIdForm()
    form.offer(request.form.get("country", ""))
    return form


def show_new(form: TaxIdForm, status: int = 200) -> Response:
    """The page for another number."""
    kinds = forms_of(str(form.country.data))
    context = {"form": form, "kinds": kinds, "last_invoice": last_invoice(), "click": new_token()}
    return page("billing/new_tax_id.html", status, **context)


def _back() -> str:
    return url_for("billing.overview") + "#tax-ids"
