"""The figures of the staff page on jobs, for Prometheus."""

from hashlib import sha256
from hmac import compare_digest

from flask import Response, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST

from blueprints._guards import public
from blueprints.ops import ops
from portal.context import current_settings
from portal.errors import NotFoundError
from portal.jobs.metrics import metrics_text
from portal.jobs.queries import overview


@ops.get("/metrics")
@public
def metrics() -> Response:
    """For whoever brings one of `SERVICE_TOKENS` as a bearer token; without any configured there is no such page."""
    if not current_settings().service_tokens:
        raise NotFoundError
    if not _has_service_token():
        return make_response(
            (
                "A service token is needed.\n",
                401,
                {"WWW-Authenticate": "Bearer", "Content-Type": "text/plain"},
            )
        )
    return make_response((metrics_text(overview()), 200, {"Content-Type": CONTENT_TYPE_LATEST}))


def _has_service_token() -> bool:
    """Every token is compared, each in constant time, so that the time tells nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    found = sha256(given.strip().encode()).digest()
    matches = [
        compare_digest(sha256(token.get_secret_value().encode()).digest(), found)
        for token in current_settings().service_tokens
    ]
    return scheme.lower() == "bearer" and any(matches)
