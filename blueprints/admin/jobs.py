"""Staff see whether the work in the background gets done."""

from flask import Response

from blueprints._guards import staff_only
from blueprints._htmx import fragment, is_fragment_request, page
from blueprints.admin import admin
from portal.jobs.queries import overview
from portal.permissions import StaffRole


@admin.get("/jobs")
@staff_only(StaffRole.SUPPORT)
def jobs() -> Response:
    """Queues, jobs, failed slots and workers; the same without the frame for the page that refreshes itself."""
    if is_fragment_request():
        return fragment("admin/_jobs.html", work=overview())
    return page("admin/jobs.html", work=overview())
