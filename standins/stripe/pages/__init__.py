"""What people see: the customer portal, hosted invoices, and an overview of the account."""

import re
from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from standins.stripe.pages import documents, overview, portal
from standins.stripe.pages.view import message_page, stylesheet
from standins.stripe.world import World

Page = Callable[..., Response]

_PAGES: list[tuple[str, str, Page]] = [
    ("GET", "/", overview.show),
    ("GET", r"/i/(?P<token>[\w-]+)", documents.show_invoice),
    ("POST", r"/i/(?P<token>[\w-]+)/pay", documents.pay_invoice),
    ("GET", r"/i/(?P<token>[\w-]+)/confirm", documents.show_confirmation),
    ("POST", r"/i/(?P<token>[\w-]+)/confirm", documents.confirm_payment),
    ("GET", r"/i/(?P<token>[\w-]+)/pdf", documents.invoice_pdf),
    ("GET", r"/c/(?P<token>[\w-]+)/pdf", documents.credit_note_pdf),
    *portal.PAGES,
]


def handle(world: World, request: Request) -> Response:
    """Answers a page; an address that leads nowhere is a 404, a method that it does not know a 405."""
    if request.path == "/assets/style.css":
        return stylesheet()
    known = False
    for method, pattern, page in _PAGES:
        found = re.fullmatch(pattern, request.path)
        known = known or found is not None
        if found and method == request.method:
            return page(world, request, **found.groupdict())
    return message_page("There is no such page", "Check the address.", 405 if known else 404)
