"""What happened in the organization, newest first."""

from flask import Response

from blueprints._actor import current_actor
from blueprints._guards import requires
from blueprints._limits import COSTLY, limiter
from blueprints.activity import activity
from blueprints.activity.forms import ActivityForm
from blueprints.activity.log import export_log, show_log
from portal.audit.export import FileKind
from portal.permissions import Permission


@activity.get("")
@requires(Permission.ACTIVITY_READ)
def list_entries() -> Response:
    """One page of the log."""
    return show_log(ActivityForm(current_actor().organization), "activity/list.html", "activity.list_entries")


@activity.get("/export.csv", defaults={"ending": "csv"})
@activity.get("/export.jsonl", defaults={"ending": "jsonl"})
@requires(Permission.ACTIVITY_READ)
@limiter.limit(COSTLY)
def list_entries_file(ending: str) -> Response:
    """What the filter shows, as CSV or JSON Lines."""
    actor = current_actor()
    return export_log(ActivityForm(actor.organization), FileKind(ending), lambda _: actor, for_customer=True)
