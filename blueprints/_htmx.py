"""Answers for HTMX and for plain forms: fragment or page, redirect, toast. The only user of htmx-flask."""

import json
from typing import Any

from flask import Response, flash, make_response, redirect, render_template
from htmx_flask import make_response as make_htmx_response
from htmx_flask import request


def is_fragment_request() -> bool:
    """Whether HTMX asks for a part of a page (not a boosted or restored whole one)."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def redirect_to(url: str, message: str | None = None, kind: str = "success") -> Response:
    """Send the browser elsewhere: `HX-Redirect` for HTMX, 303 for a form. A fetch cannot follow to another host."""
    if message:
        flash(message, kind)
    if is_fragment_request():
        return with_vary(make_htmx_response("", redirect=url))
    return with_vary(make_response(redirect(url, 303)))


def fragment(
    template: str, status: int = 200, toast: str | None = None, kind: str = "success", **context: Any
) -> Response:
    """A part of a page, with an announcement if there is something to say."""
    response = make_response(render_template(template, **context), status)
    if toast:
        response.headers["HX-Trigger"] = json.dumps({"toast": {"text": toast, "kind": kind}})
    return with_vary(response)


def refusal_fragment(status: int, message: str) -> Response:
    """An error for HTMX: nothing is swapped, the reason is announced, and app.js puts the control back."""
    response = make_htmx_response(
        "", status, reswap="none", trigger={"toast": {"text": message, "kind": "error"}}
    )
    return with_vary(response)


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A whole page."""
    return with_vary(make_response(render_template(template, **context), status))


def with_vary(response: Response) -> Response:
    """One address serves both forms, so caches must keep them apart."""
    response.vary.add("HX-Request")
    return response
