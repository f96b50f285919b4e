"""What happened in the organization, newest first."""

from flask import Response, request

from blueprints._actor import current_actor
from blueprints._guards import requires
from blueprints._htmx import page
from blueprints.activity import activity
from portal.audit.queries import entries_page
from portal.audit.wording import describe
from portal.permissions import Permission


@activity.get("")
@requires(Permission.ACTIVITY_READ)
def list_entries() -> Response:
    """One page of the log."""
    found = entries_page(current_actor().organization, request.args.get("after"))
    after = request.args.get("after")
    return page(
        "activity/list.html",
        entries=[describe(row) for row in found.rows],
        next=found.next_cursor,
        after=after,
    )
