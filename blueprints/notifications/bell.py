"""The bell's count, which pages ask for again while somebody looks at them."""

from flask import Response, make_response, request, url_for

from blueprints._actor import require_signed_in
from blueprints._guards import signed_in_only
from blueprints._htmx import fragment, is_fragment_request, redirect_to, with_vary
from blueprints.notifications import notifications
from portal.notifications.inbox import unread_count


@notifications.get("/account/notifications/bell")
@signed_in_only
def bell() -> Response:
    """The count, and how many are new since the page last saw it; nothing where it is as `seen`."""
    if not is_fragment_request():
        return redirect_to(url_for("notifications.inbox"))
    session = require_signed_in()
    count = unread_count(session.user_id, session.staff_role is not None)
    seen = request.args.get("seen", 0, type=int)
    if count == seen:
        return with_vary(make_response("", 204))
    return fragment("notifications/_bell_answer.html", count=count, news=max(count - seen, 0))
