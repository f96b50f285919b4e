"""Hosted invoices: a page with a way to pay, and PDF documents."""

from typing import Any

from werkzeug.wrappers import Request, Response

from standins.stripe.errors import ApiError
from standins.stripe.pages import cards
from standins.stripe.pages.view import message_page, page, render, see
from standins.stripe.resources import invoice_engine, payments
from standins.stripe.resources.account import ACCOUNT_NAME
from standins.stripe.store import Obj
from standins.stripe.world import World


def _missing() -> Response:
    return message_page(
        "There is no such document", "The address is not complete or the document is gone.", 404
    )


def _invoice_values(world: World, invoice: Obj) -> dict[str, Any]:
    lines = world.store.children("line_item", invoice["id"])
    return {"invoice": invoice, "lines": lines, "seller": ACCOUNT_NAME, "lang": "en"}


def show_invoice(world: World, request: Request, token: str, error: str | None = None) -> Response:
    """The hosted invoice page."""
    invoice = world.store.by_token("invoice", token)
    if invoice is None:
        return _missing()
    values = _invoice_values(world, invoice)
    card = invoice_engine.card_for(world, invoice) if invoice["status"] == "open" else None
    waits = payments.waits_for_confirmation(world, invoice)
    common = {"error": error, "token": token, "waits": waits, "form": request.form}
    return page("invoice.html", 402 if error else 200, card=card, **common, **values)


def pay_invoice(world: World, request: Request, token: str) -> Response:
    """Pays an open invoice with the card on file, or with the one that is typed in."""
    invoice = world.store.by_token("invoice", token)
    if invoice is None:
        return _missing()
    if invoice["status"] != "open":
        return see(f"/i/{token}")
    try:
        card = (
            cards.typed_card(world, request.form, invoice["customer"]) if "number" in request.form else None
        )
    except ApiError as error:
        return show_invoice(world, request, token, error.message)
    return _after(world, request, token, invoice_engine.attempt(world, invoice["id"], card))


def _after(world: World, request: Request, token: str, refusal: ApiError | None) -> Response:
    if refusal and refusal.code == payments.CONFIRM[0]:
        return see(f"/i/{token}/confirm")
    return show_invoice(world, request, token, refusal.message) if refusal else see(f"/i/{token}")


def show_confirmation(world: World, request: Request, token: str) -> Response:
    """The bank's page: the payment is confirmed or not (3-D Secure)."""
    invoice = world.store.by_token("invoice", token)
    if invoice is None or not payments.waits_for_confirmation(world, invoice):
        return _missing() if invoice is None else see(f"/i/{token}")
    return page("bank.html", token=token, invoice=invoice, lang="en")


def confirm_payment(world: World, request: Request, token: str) -> Response:
    """What the customer answered the bank."""
    invoice = world.store.by_token("invoice", token)
    intent = payments.waits_for_confirmation(world, invoice) if invoice else None
    if invoice is None or intent is None:
        return _missing() if invoice is None else see(f"/i/{token}")
    if request.form.get("answer") != "complete":
        payments.reject_confirmation(world, intent)
        return show_invoice(world, request, token, payments.NOT_CONFIRMED[2])
    card = world.get("payment_method", intent["payment_method"])
    refusal = invoice_engine.attempt(world, invoice["id"], card, is_confirmed=True)
    return _after(world, request, token, refusal)


def invoice_pdf(world: World, request: Request, token: str) -> Response:
    """The invoice as PDF."""
    invoice = world.store.by_token("invoice", token)
    if invoice is None:
        return _missing()
    values = _invoice_values(world, invoice)
    return _pdf(render("invoice_pdf.html", **values), f"Invoice-{invoice['number']}.pdf")


def credit_note_pdf(world: World, request: Request, token: str) -> Response:
    """The credit note as PDF."""
    note = world.store.by_token("credit_note", token)
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
