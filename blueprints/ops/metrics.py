"""The figures of the staff page on jobs, for Prometheus."""

from flask import Response, make_response
from prometheus_client import CONTENT_TYPE_LATEST

from blueprints._guards import public
from blueprints._service_tokens import has_service_token
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
    if not has_service_token():
        return make_response(
            (
                "A service token is needed.\n",
                401,
                {"WWW-Authenticate": "Bearer", "Content-Type": "text/plain"},
            )
        )
    return make_response((metrics_text(overview()), 200, {"Content-Type": CONTENT_TYPE_LATEST}))
