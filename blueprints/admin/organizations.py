"""Staff look an organization up and see its whole file."""

from dataclasses import fields

from flask import Response, request, url_for

from blueprints._actor import current_actor
from blueprints._guards import staff_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import SEARCHES, limiter
from blueprints.admin import admin
from blueprints.admin._asking import may_act
from portal.kit.clock import utcnow
from portal.permissions import StaffRole
from portal.support.queries import Cursors, organization_file, organizations_page
from portal.support.search import Found, find_organizations, shown_search

LONGEST_SEARCH = 100


@admin.get("")
@staff_only(StaffRole.SUPPORT)
def start() -> Response:
    """The staff area opens with the organizations."""
    return redirect_to(url_for("admin.organizations"))


@admin.get("/organizations")
@staff_only(StaffRole.SUPPORT)
@limiter.limit(SEARCHES, exempt_when=lambda: not request.args.get("q"))
def organizations() -> Response:
    """All of them by name, or what a search finds and why."""
    search = shown_search(request.args.get("q", "")[:LONGEST_SEARCH])
    after = request.args.get("after")
    found = find_organizations(search) if search else Found()
    listed = None if search else organizations_page(after)
    show = fragment if is_fragment_request() else page
    template = "admin/_organization_list.html" if is_fragment_request() else "admin/organizations.html"
    return show(template, found=found, listed=listed, search=search, after=after)


@admin.get("/organizations/<organization_id>")
@staff_only(StaffRole.SUPPORT)
def organization_page(organization_id: str) -> Response:
    """People, plan, invoices, keys, usage, webhooks, what was sent, tickets, and the whole timeline."""
    cursors = Cursors(**{field.name: request.args.get(field.name) for field in fields(Cursors)})
    return page(
        "admin/organization.html",
        file=organization_file(organization_id, cursors),
        cursors=cursors,
        may_act=may_act(),
        viewer_id=current_actor().id,
        now=utcnow(),
    )
