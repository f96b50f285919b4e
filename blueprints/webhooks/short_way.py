"""The short way to `receive_stripe_event`: what Stripe sends all day is stored without Flask around it.

Why and what it is worth: docs/decisions/0015-receipt-of-events.md. Nothing is refused here. Whatever is not plainly a
delivery of Stripe's, or cannot be stored, goes the long way, where the guards are and the answers for people.
"""

import io
import re
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.sansio.utils import host_is_trusted

from blueprints._headers import security_headers
from blueprints._requests import name_request, write_line
from portal.context import Services
from portal.errors import PortalError
from portal.extensions import db
from portal.stripe_mirror.receiving import put_event, read_event

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/webhooks/stripe"
ENDPOINT = "webhooks.receive_stripe_event"
LENGTH = re.compile(r"[0-9]{1,9}")
OF_BROWSERS = ("HTTP_COOKIE", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE")
"""With one of these the guards have something to say."""


def add_short_way(app: Flask, inner: "WSGIApplication") -> "WSGIApplication":
    """`inner` with the short way before it; for the application when it is complete."""
    short_way = ShortWay(app)

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") == PATH and short_way.is_open_to(environ):
            name = short_way.store(environ)
            if name is not None:
                start_response("204 No Content", [*short_way.headers, ("X-Request-Id", name)])
                return []
        return inner(environ, start_response)

    return outer


class ShortWay:
    """What one application needs to store an event."""

    def __init__(self, app: Flask) -> None:
        self.services: Services = app.extensions["portal"]
        self.hosts, self.largest_body = app.config["TRUSTED_HOSTS"], app.config["MAX_CONTENT_LENGTH"]
        self.headers = list(security_headers(self.services.settings, ENDPOINT, nonce="").items())
        with app.app_context():
            self.engine = db.engine

    def is_open_to(self, environ: "WSGIEnvironment") -> bool:
        """Whether no guard, no limit and no parser of the long way would do anything with the request."""
        length = environ.get("CONTENT_LENGTH", "")
        return bool(
            environ["REQUEST_METHOD"] == "POST"
            and not environ.get("QUERY_STRING")
            and environ.get("CONTENT_TYPE", "").partition(";")[0] == "application/json"
            and LENGTH.fullmatch(length)
            and int(length) <= self.largest_body
            and "HTTP_TRANSFER_ENCODING" not in environ
            and not any(name in environ for name in OF_BROWSERS)
            and host_is_trusted(environ.get("HTTP_HOST"), self.hosts)
        )

    def store(self, environ: "WSGIEnvironment") -> str | None:
        """Read, verify, store and commit; the name of the request.

        None where any of it did not work: nothing was stored, and the body can be read again.
        """
        started, length = time.perf_counter(), int(environ["CONTENT_LENGTH"])
        body = environ["wsgi.input"].read(length)
        if len(body) != length or not self._keep(body, environ.get("HTTP_STRIPE_SIGNATURE", "")):
            environ["wsgi.input"] = io.BytesIO(body)
            return None
        name = name_request(environ.get("HTTP_X_REQUEST_ID", ""), self.services.settings)
        write_line(name, "POST", PATH, ENDPOINT, HTTPStatus.NO_CONTENT, started)
        return name

    def _keep(self, body: bytes, signature: str) -> bool:
        if self.services.stripe is None:
            return False
        try:
            event = read_event(self.services.stripe, body, signature)
            with self.engine.begin() as connection:
                put_event(connection, event)
        except (PortalError, SQLAlchemyError):
            return False
        return True
