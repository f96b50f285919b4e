"""The notifications screen: what somebody was told, and below it what they want to be told."""

from flask import Response, request, url_for

from blueprints._actor import current_actor, require_signed_in
from blueprints._forms import carry_out
from blueprints._guards import signed_in_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints.notifications import notifications
from blueprints.notifications._choices import as_channels, as_values, groups_for_customers
from blueprints.notifications.forms import PreferencesForm
from portal.identity.queries import memberships_of_user
from portal.identity.sessions import SignedIn, switch_organization
from portal.notifications.catalogue import CATALOGUE
from portal.notifications.events import Event
from portal.notifications.inbox import inbox_page, mark_all_read, open_notification
from portal.notifications.models import Audience, Digest
from portal.notifications.preferences import digest_of, preferences_of, set_preferences
from portal.permissions import Role


@notifications.get("/account/notifications")
@signed_in_only
def inbox() -> Response:
    """The inbox, newest first, and the settings."""
    session = require_signed_in()
    chosen = preferences_of(session.user_id, Audience.CUSTOMER)
    digest = digest_of(session.user_id).value
    events = events_of(session)
    return show_inbox(PreferencesForm(formdata=None, told=as_values(chosen), digest=digest), events)


@notifications.post("/account/notifications")
@signed_in_only
def save_preferences() -> Response:
    """Be told of exactly what is ticked; events that can never reach this person stay as they are."""
    events = events_of(require_signed_in())
    form = PreferencesForm()

    def save() -> bool:
        wanted = as_channels(form.told.data or (), events)
        set_preferences(current_actor(), Audience.CUSTOMER, wanted, Digest(form.digest.data))
        return True

    if not carry_out(form, save):
        return show_inbox(form, events, 422)
    return redirect_to(url_for("notifications.inbox"), "Your choice is saved.")


@notifications.post("/account/notifications/<int:notification_id>")
@signed_in_only
def open_one(notification_id: int) -> Response:
    """Mark it as read and go where it leads, in its organization."""
    found = open_notification(current_actor(), notification_id)
    session = require_signed_in()
    if found.organization_id and found.organization_id != session.organization_id:
        mine = {row.organization_id for row in memberships_of_user(session.user_id)}
        if found.organization_id in mine:
            switch_organization(session.token_hash, found.organization_id)
    return redirect_to(found.link)


@notifications.post("/account/notifications/<int:notification_id>/read")
@signed_in_only
def read_one(notification_id: int) -> Response:
    """Mark one as read without following it."""
    found = open_notification(current_actor(), notification_id)
    if is_fragment_request():
        response = fragment("notifications/_read.html", item=found)
        response.headers["HX-Trigger"] = "refresh"  # the bell asks again
        return response
    return redirect_to(url_for("notifications.inbox", after=request.form.get("after") or None))


@notifications.post("/account/notifications/read")
@signed_in_only
def read_all() -> Response:
    """Mark everything as read."""
    mark_all_read(current_actor())
    return redirect_to(url_for("notifications.inbox"), "All are marked as read.")


def events_of(session: SignedIn) -> list[Event]:
    """What can reach this person in any of their organizations, in the catalogue's order."""
    roles: list[Role | None] = [row.role for row in memberships_of_user(session.user_id)]
    return [
        event for event, entry in CATALOGUE.items() if any(entry.reaches(role) for role in roles or [None])
    ]


def show_inbox(form: PreferencesForm, events: list[Event], status: int = 200) -> Response:
    """The page around a form."""
    session = require_signed_in()
    after = request.args.get("after")
    return page(
        "notifications/inbox.html",
        status,
        form=form,
        groups=groups_for_customers(events),
        found=inbox_page(session.user_id, session.staff_role is not None, after),
        after=after,
    )
