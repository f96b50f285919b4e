"""The list of invoices, one invoice, and its document."""

from flask import Response, request

from blueprints._actor import current_actor
from blueprints._downloads import download
from blueprints._guards import requires
from blueprints._htmx import page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.invoices import invoices
from portal.invoices import document, queries
from portal.invoices.models import InvoiceSource
from portal.kit.clock import utcnow
from portal.permissions import Permission


@invoices.get("")
@requires(Permission.INVOICES_READ)
def list_invoices() -> Response:
    """Invoices of every source, newest first."""
    organization_id = current_actor().organization
    return page(
        "invoices/list.html",
        invoices=queries.invoices_page(organization_id, request.args.get("after")),
        after=request.args.get("after"),
        due=queries.amounts_due(organization_id),
        overdue=queries.overdue_amounts(organization_id),
        now=utcnow(),
    )


@invoices.get("/<invoice_id>")
@requires(Permission.INVOICES_READ)
def show_invoice(invoice_id: str) -> Response:
    """One invoice: what it is for, line by line, and what is paid."""
    invoice = queries.get_invoice(current_actor().organization, invoice_id)
    return page("invoices/invoice.html", invoice=invoice, now=utcnow())


@invoices.get("/<invoice_id>.pdf")
@requires(Permission.INVOICES_READ)
@limiter.limit(COSTLY)
def invoice_pdf(invoice_id: str) -> Response:
    """The document: ours for offline invoices, Stripe's for Stripe's."""
    invoice = queries.get_invoice(current_actor().organization, invoice_id)
    if invoice.source is InvoiceSource.STRIPE:
        return redirect_to(document.stripe_pdf_url(invoice))
    return download(document.invoice_pdf(invoice), f"Invoice {invoice.number}.pdf", "application/pdf")
