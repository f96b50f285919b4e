"""Errors become answers here: roll back, then a page for people, a fragment for HTMX, JSON for machines."""

import logging

from flask import Flask, Response, g, make_response, render_template, request, session
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from blueprints._headers import SAFE_METHODS
from blueprints._htmx import is_fragment_request, refusal_fragment, with_vary
from portal.errors import PortalError, TooManyAttemptsError
from portal.extensions import db

log = logging.getLogger("portal.errors")
PAGES = {400, 403, 404, 409, 410, 413, 422, 429, 500, 503}
MACHINE_PATHS = ("/webhooks/", "/v1/")
CSRF_MESSAGE = (
    "This page was open for too long or was signed in again elsewhere. Reload it and send the form again."
)


def register_errors(app: Flask) -> None:
    """Answer for named errors, HTTP errors and everything unforeseen."""
    app.register_error_handler(PortalError, answer_portal_error)
    app.register_error_handler(CSRFError, answer_csrf_error)
    app.register_error_handler(RateLimitExceeded, answer_rate_limit)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(OperationalError, answer_database_error)
    app.register_error_handler(Exception, answer_unforeseen)


def answer_portal_error(error: PortalError) -> Response:
    """A named error that no view has answered itself."""
    response = show_error(int(error.status), error.message, error.title)
    if isinstance(error, TooManyAttemptsError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def answer_csrf_error(_error: CSRFError) -> Response:
    """A form without the token of this browser: refused, and said in a way that helps an honest user."""
    return show_error(403, CSRF_MESSAGE)


def answer_rate_limit(error: RateLimitExceeded) -> Response:
    """More than a costly route takes."""
    response = show_error(429, "That was too often. Wait a minute and try again.")
    response.headers["Retry-After"] = str(error.limit.limit.get_expiry())
    return response


def answer_database_error(error: OperationalError) -> Response:
    """The database does not answer, or not in time."""
    log.error("the database does not answer", exc_info=error)
    return show_error(503, "We cannot reach our data right now. Wait a minute and try again.")


def answer_http_error(error: HTTPException) -> Response:
    """404, 405, 413 and the like from Flask itself; redirects pass as they are."""
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    if isinstance(error, SecurityError):  # a host that is not ours: there is nothing to build links on
        return make_response(
            ("This host is not served here.\n", 400, {"Content-Type": "text/plain; charset=utf-8"})
        )
    status = error.code or 500
    response = show_error(status, error.description or error.name)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def answer_unforeseen(error: Exception) -> Response:
    """A fault of ours: logged with its trace, answered without a word of it."""
    log.error("unforeseen error", exc_info=error)
    return show_error(InternalServerError.code, "Something went wrong on our side. Nothing was changed.")


def show_error(status: int, message: str, title: str = "") -> Response:
    """One error in the form the caller can read, after undoing what the request had begun."""
    db.session.rollback()
    g.is_error_page = True
    if request.method not in SAFE_METHODS:
        session.pop("_flashes", None)  # what was to be announced did not happen
    if status in {401, 403, 404, 429}:
        log.warning("request refused", extra={"status": status, "reason": message[:200]})
    if request.path.startswith(MACHINE_PATHS):
        return make_response({"error": {"message": message, "request_id": g.get("request_id")}}, status)
    context = {"message": message, "title": title, "status": status, "request_id": g.get("request_id")}
    if is_fragment_request():
        return refusal_fragment(status, message)
    template = f"errors/{status if status in PAGES else (404 if status < 500 else 500)}.html"
    return with_vary(make_response(render_template(template, **context), status))
