"""Hosted invoices: a page with a way to pay, and PDF documents."""

from typing import Any

from werkzeug.wrappers import Request, Response

from standins.stripe.pages.view import message_page, page, render, see
from standins.stripe.resources import invoice_engine
from standins.stripe.resources.account import ACCOUNT_NAME
from standins.stripe.store import Obj
from standins.stripe.world import World


def _find(world: World, kind: str, token: str) -> Obj | None:
    return next((row for row in world.store.all(kind) if row["_token"] == token), None)


def _missing() -> Response:
    return message_page(
        "There is no such document", "The address is not complete or the document is gone.", 404
    )


def _invoice_values(world: World, invoice: Obj) -> dict[str, Any]:
    lines = world.store.children("line_item", invoice["id"])
    return {"invoice": invoice, "lines": lines, "seller": ACCOUNT_NAME, "lang": "en"}


def show_invoice(world: World, request: Request, token: str, error: str | None = None) -> Response:
    """The hosted invoice page."""
    invoice = _find(world, "invoice", token)
    if invoice is None:
        return _missing()
    values = _invoice_values(world, invoice)
    card = invoice_engine.card_for(world, invoice) if invoice["status"] == "open" else None
    return page("invoice.html", 402 if error else 200, card=card, error=error, token=token, **values)


def pay_invoice(world: World, request: Request, token: str) -> Response:
    """Pays an open invoice with the card on file."""
    invoice = _find(world, "invoice", token)
    if invoice is None:
        return _missing()
    if invoice["status"] == "open":
        refusal = invoice_engine.attempt(world, invoice["id"])
        if refusal:
            return show_invoice(world, request, token, refusal.message)
    return see(f"/i/{token}")


def invoice_pdf(world: World, request: Request, token: str) -> Response:
    """The invoice as PDF."""
    invoice = _find(world, "invoice", token)
    if invoice is None:
        return _missing()
    values = _invoice_values(world, invoice)
    return _pdf(render("invoice_pdf.html", **values), f"Invoice-{invoice['number']}.pdf")


def credit_note_pdf(world: World, request: Request, token: str) -> Response:
    """The credit note as PDF."""
    note = _find(world, "credit_note", token)
    if note is None:
        return _missing()
    lines = world.store.children("credit_note_line_item", note["id"])
    owner = world.store.find(note["customer"], "customer")
    html = render("credit_note_pdf.html", note=note, lines=lines, owner=owner, seller=ACCOUNT_NAME, lang="en")
    return _pdf(html, f"Credit-note-{note['number']}.pdf")


def _pdf(html: str, name: str) -> Response:
    # WeasyPrint loads slowly and only this page needs it.
    from weasyprint import HTML  # type: ignore[import-untyped]

    document: bytes = HTML(string=html).write_pdf()
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(document, mimetype="application/pdf", headers=headers)
