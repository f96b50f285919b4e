"""What happens around every request: id, transaction mode, guard, one commit, headers, one log line."""

import logging
import re
import secrets
import time
from collections.abc import Iterator

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints._actor import signed_in
from blueprints._guards import enforce_guard
from blueprints._headers import SAFE_METHODS, add_security_headers, refuse_cross_site
from blueprints._uploads import allow_file
from blueprints._visits import note_screen
from portal.config import Settings
from portal.context import current_settings
from portal.errors import InvalidInputError
from portal.extensions import db
from portal.identity.sessions import touch_session, touch_session_aside
from portal.kit.clock import utcnow
from portal.kit.tokens import random_text

log = logging.getLogger("portal.requests")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
QUIET_ENDPOINTS = {"static", "ops.brand", "ops.healthz", "ops.readyz", "notifications.bell"}
SECRET_PATHS = re.compile(r"^(/(?:invitations|recoveries|notifications/unsubscribe)/)[^/]+")


def register_request_hooks(app: Flask, settings: Settings) -> None:
    """Install the hooks, in the order in which they run."""
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.before_request(start_request)
    app.before_request(refuse_cross_site)
    app.before_request(enforce_guard)
    app.after_request(log_request)  # after_request hooks run last registered first
    app.after_request(lambda response: add_security_headers(response, settings))
    app.after_request(finish_transaction)
    app.after_request(note_screen)


def start_request() -> None:
    """Name the request and say whether its transaction may write."""
    g.request_id = name_request(request.headers.get("X-Request-Id", ""), current_settings())
    g.csp_nonce = secrets.token_urlsafe(16)
    g.started = time.perf_counter()
    db.session.info["reading"] = request.method in SAFE_METHODS
    allow_file()
    if any("\x00" in text for text in _given_texts()):  # Postgres stores no NUL, SQLite cuts the text there
        raise InvalidInputError("There is a character in it that cannot be stored. Type it again.")


def name_request(given: str, settings: Settings) -> str:
    """The id by which log and answer name a request: what a trusted proxy gave, else a new one."""
    return given if settings.proxy_hops and REQUEST_ID.fullmatch(given) else random_text(22)


def _given_texts() -> Iterator[str]:
    yield request.path
    for values in (request.args, request.form):
        for name, value in values.items(multi=True):
            yield name
            yield value


def finish_transaction(response: Response) -> Response:
    """The one commit per request: before the answer leaves, only for writes that went well."""
    session = signed_in() if "signed_in" in g else None
    is_stale = session is not None and session.is_stale(utcnow())
    if request.method not in SAFE_METHODS and response.status_code < 400:
        if session and is_stale:
            touch_session(session.token_hash)
        db.session.commit()
        return response
    db.session.rollback()
    if (
        session and is_stale and "HX-Request" not in request.headers
    ):  # ASVS V7.3.1: polling keeps no session alive
        touch_session_aside(session.token_hash)
    return response


def log_request(response: Response) -> Response:
    """One line per request that is not a quiet one, and its name on the answer."""
    if request.endpoint in QUIET_ENDPOINTS:
        return response
    name, started = g.get("request_id"), g.get("started", time.perf_counter())
    session = signed_in() if "signed_in" in g else None
    who: dict[str, str | None] = {}
    if session:
        who = {"user": session.user_id, "organization": session.organization_id}
        who |= {"view": session.view.id} if session.view else {}
    write_line(name, request.method, request.path, request.endpoint, response.status_code, started, **who)
    response.headers["X-Request-Id"] = name or ""
    return response


def write_line(
    name: str | None,
    method: str,
    path: str,
    endpoint: str | None,
    status: int,
    started: float,
    **who: str | None,
) -> None:
    """The line of a request. Its address is logged without its query and without secrets in its path."""
    facts = {
        "request_id": name,
        "method": method,
        "path": SECRET_PATHS.sub(r"\1...", path),
        "endpoint": endpoint,
        "status": status,
        "milliseconds": round((time.perf_counter() - started) * 1000, 1),
        "user": None,
        "organization": None,
    }
    log.info("request", extra={**facts, **who})
