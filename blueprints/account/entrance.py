"""Ways into the account: the first open screen, another organization, addresses of an older settings page."""

from flask import Response, request, url_for

from blueprints._actor import require_signed_in
from blueprints._guards import public, signed_in_only
from blueprints._htmx import redirect_to
from blueprints.account import account
from portal.errors import NotFoundError
from portal.identity.queries import memberships_of_user
from portal.identity.sessions import switch_organization as look_at
from portal.scope import SCREENS, open_screens

OLD_PAGES = {
    "account": "account.profile",
    "profile": "account.profile",
    "members": "team.members",
    "users": "team.members",
    "plan": "billing.overview",
    "payment": "billing.overview",
    "keys": "api_keys.list_keys",
    "api": "api_keys.list_keys",
    **{screen.name: screen.endpoint for screen in SCREENS},
}


@account.get("/account")
@signed_in_only
def start() -> Response:
    """The first screen this person can open; staff without an organization go to their own area."""
    session = require_signed_in()
    if session.staff_role and session.organization_id is None:
        return redirect_to(url_for("admin.organizations"))
    screens = open_screens(session.role, session.closed_screens)
    organizational = [screen for screen in screens if screen.permission is not None]
    return redirect_to(url_for((organizational or screens)[0].endpoint))


@account.post("/account/organization")
@signed_in_only
def switch_organization() -> Response:
    """Look at another organization of one's own; a foreign id answers like an unknown one."""
    session = require_signed_in()
    wanted = request.form.get("to", "")
    names = {row.organization_id: row.name for row in memberships_of_user(session.user_id)}
    if wanted not in names:
        raise NotFoundError
    look_at(session.token_hash, wanted)
    return redirect_to(url_for("account.start"), f"You are now looking at {names[wanted]}.", "info")


@account.get("/settings")
@account.get("/settings/<page>")
@public
def old_settings(page: str = "account") -> Response:
    """Old bookmarks and mails lead to the screen that replaced them."""
    return redirect_to(url_for(OLD_PAGES.get(page, "account.start")))
