"""Staff look an organization up and see its whole file."""

from flask import Response, request, url_for

from blueprints._guards import staff_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints.admin import admin
from portal.kit.clock import utcnow
from portal.permissions import StaffRole
from portal.support.queries import organization_file, organizations_page

LONGEST_SEARCH = 100


@admin.get("")
@staff_only(StaffRole.SUPPORT)
def start() -> Response:
    """The staff area opens with the organizations."""
    return redirect_to(url_for("admin.organizations"))


@admin.get("/organizations")
@staff_only(StaffRole.SUPPORT)
def organizations() -> Response:
    """Search and list."""
    search = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    found = organizations_page(search, request.args.get("after"))
    if is_fragment_request():
        return fragment("admin/_organization_list.html", organizations=found, search=search)
    return page(
        "admin/organizations.html", organizations=found, search=search, after=request.args.get("after")
    )


@admin.get("/organizations/<organization_id>")
@staff_only(StaffRole.SUPPORT)
def organization_page(organization_id: str) -> Response:
    """People, plan, invoices, keys without secrets, timeline."""
    found = organization_file(
        organization_id,
        members_after=request.args.get("members"),
        timeline_after=request.args.get("timeline"),
    )
    return page("admin/organization.html", file=found, now=utcnow())
