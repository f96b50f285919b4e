"""What each of the staff and the team's Slack are told, and what could not be delivered."""

from flask import Response, request, url_for

from blueprints._actor import require_signed_in, staff_actor
from blueprints._forms import carry_out
from blueprints._guards import staff_only
from blueprints._htmx import page, redirect_to
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask
from blueprints.admin.forms import ReasonForm
from blueprints.notifications._choices import as_channels, as_values, groups_for_staff
from blueprints.notifications.forms import ChoicesForm, SlackForm
from portal.notifications.catalogue import topic_label
from portal.notifications.dead_letters import dead_letter, dead_letters_page, resend
from portal.notifications.models import Audience
from portal.notifications.preferences import (
    events_for,
    preferences_of,
    set_preferences,
    set_slack_subscriptions,
    slack_subscriptions,
)
from portal.permissions import StaffRole, staff_allows

EVENTS = events_for(Audience.STAFF)


class DeadLetterQuestion(Question):
    """Asked on the page of notifications, for messages of every organization and of none."""

    @property
    def back(self) -> str:
        """The dead letters."""
        return url_for("admin.notifications", _anchor=self.section)

    @property
    def back_label(self) -> str:
        """What the way back is called."""
        return "Notifications"


@admin.get("/notifications")
@staff_only(StaffRole.SUPPORT)
def notifications() -> Response:
    """One's own choice, the team's Slack, dead letters."""
    return show_notifications(own_form(), slack_form())


@admin.post("/notifications")
@staff_only(StaffRole.SUPPORT)
def save_subscriptions() -> Response:
    """Be told of exactly what is ticked, about every organization."""
    form = ChoicesForm()

    def save() -> bool:
        set_preferences(staff_actor(None), Audience.STAFF, as_channels(form.told.data or (), EVENTS))
        return True

    if not carry_out(form, save):
        return show_notifications(form, slack_form(), 422)
    return redirect_to(url_for("admin.notifications"), "Your choice is saved.")


@admin.post("/notifications/slack")
@staff_only(StaffRole.LEAD)
def save_slack() -> Response:
    """Tell the team of exactly what is ticked."""
    form = SlackForm()

    def save() -> bool:
        ticked = set(form.slack.data or ())
        set_slack_subscriptions(staff_actor(None), {event: event.value in ticked for event in EVENTS})
        return True

    if not carry_out(form, save):
        return show_notifications(own_form(), form, 422)
    return redirect_to(url_for("admin.notifications", _anchor="slack"), "What the team is told is saved.")


@admin.get("/notifications/<int:message_id>/resend")
@staff_only(StaffRole.LEAD)
def confirm_dead_letter(message_id: int) -> Response:
    """Ask for the reason."""
    return ask(about_dead_letter(message_id), ReasonForm(formdata=None))


@admin.post("/notifications/<int:message_id>/resend")
@staff_only(StaffRole.LEAD)
def resend_dead_letter(message_id: int) -> Response:
    """Try it again, from the start of the timetable and under the same key."""
    actor = staff_actor(None)
    return answer(
        about_dead_letter(message_id),
        ReasonForm(),
        lambda reason: resend(actor, message_id, reason),
        "It is tried again within seconds.",
    )


def about_dead_letter(message_id: int) -> DeadLetterQuestion:
    """What trying again means. Raises `NotFoundError`."""
    message = dead_letter(message_id)
    consequence = (
        f"It goes to {message.recipient} at once, and if that fails again by the usual timetable. "
        "Should it have arrived before, it can be recognised as the same."
    )
    return DeadLetterQuestion(
        "", f"Send again: {topic_label(message.topic)}", consequence, "Send again", "dead"
    )


def own_form() -> ChoicesForm:
    """What whoever is signed in is told."""
    chosen = preferences_of(require_signed_in().user_id, Audience.STAFF)
    return ChoicesForm(formdata=None, told=as_values(chosen))


def slack_form() -> SlackForm:
    """What the team is told."""
    ticked = [event.value for event, is_on in slack_subscriptions().items() if is_on]
    return SlackForm(formdata=None, slack=ticked)


def show_notifications(own: ChoicesForm, slack: SlackForm, status: int = 200) -> Response:
    """The page around its forms."""
    after = request.args.get("after")
    held = require_signed_in().staff_role
    return page(
        "admin/notifications.html",
        status,
        own=own,
        slack=slack,
        groups=groups_for_staff(EVENTS),
        dead=dead_letters_page(after),
        after=after,
        is_lead=held is not None and staff_allows(held, StaffRole.LEAD),
    )
