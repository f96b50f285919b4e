"""What stands on the next invoices and where they go: a page for each decision."""

from dataclasses import asdict

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._forms import carry_out
from blueprints._guards import requires
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints.billing import billing
from blueprints.billing.details_forms import CompanyForm, DeliveryForm, company_form
from portal.company.addresses import to_fill
from portal.company.queries import CompanyDetails, company_details
from portal.company.service import change_company, change_delivery
from portal.database import AnyRow
from portal.identity.queries import organization_by_id
from portal.invoices.queries import invoices_page
from portal.permissions import Permission

SAVED = "Saved. It applies from the next invoice on."


@billing.get("/company")
@requires(Permission.BILLING_MANAGE)
def company() -> Response:
    """Legal name and address."""
    details = the_details()
    known = details.address
    form = company_form(
        known.country, known=known, formdata=None, name=details.name, **asdict(to_fill(known))
    )
    return show_company(form)


@billing.post("/company")
@requires(Permission.BILLING_MANAGE)
def save_company() -> Response:
    """Change legal name and address."""
    form = sent_company_form()
    actor = current_actor()
    if carry_out(form, lambda: change_company(actor, str(form.name.data), form.address())) is None:
        return show_company(form, 422)
    return redirect_to(url_for("billing.overview") + "#company", SAVED)


@billing.post("/company/fields")
@requires(Permission.BILLING_MANAGE)
def company_fields() -> Response:
    """The fields of another country, around what was typed. Nothing is changed."""
    form = sent_company_form()
    if is_fragment_request():
        return fragment("billing/_address_fields.html", form=form)
    return show_company(form)


@billing.get("/delivery")
@requires(Permission.BILLING_MANAGE)
def delivery() -> Response:
    """Billing email, further recipients and PO number."""
    details = the_details()
    form = DeliveryForm(
        formdata=None,
        billing_email=details.billing_email,
        recipients="\n".join(details.recipients),
        purchase_order=details.purchase_order,
    )
    return show_delivery(form)


@billing.post("/delivery")
@requires(Permission.BILLING_MANAGE)
def save_delivery() -> Response:
    """Change where invoices go, and the PO number on them."""
    form, actor = DeliveryForm(), current_actor()
    saved = carry_out(
        form,
        lambda: change_delivery(
            actor,
            str(form.billing_email.data),
            str(form.purchase_order.data or ""),
            str(form.recipients.data or "").splitlines(),
        ),
    )
    if saved is None:
        return show_delivery(form, 422)
    return redirect_to(url_for("billing.overview") + "#invoice-delivery", SAVED)


def the_details() -> CompanyDetails:
    """Of the organization that is looked at."""
    return company_details(organization_by_id(current_actor().organization))


def sent_company_form() -> CompanyForm:
    """The form as it was sent, with the fields of the country that was chosen."""
    return company_form(request.form.get("country", ""), known=the_details().address)


def show_company(form: CompanyForm, status: int = 200) -> Response:
    """The page of name and address."""
    return page("billing/company.html", status, form=form, last_invoice=last_invoice())


def show_delivery(form: DeliveryForm, status: int = 200) -> Response:
    """The page of where invoices go."""
    return page("billing/delivery.html", status, form=form, last_invoice=last_invoice())


def last_invoice() -> AnyRow | None:
    """The newest invoice, which a change does not reach, for those who may see it."""
    actor = current_actor()
    if not actor.can(Permission.INVOICES_READ):
        return None
    return next(iter(invoices_page(actor.organization).rows), None)
