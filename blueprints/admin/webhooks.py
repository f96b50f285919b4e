"""Staff see what Stripe has told the portal, have it handled again, and have the mirror compared with Stripe."""

from dataclasses import dataclass
from datetime import datetime

from flask import Response, request, url_for

from blueprints._actor import staff_actor
from blueprints._forms import carry_out
from blueprints._guards import staff_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints.admin import admin
from blueprints.admin._asking import Question, answer, ask, may_act
from blueprints.admin.forms import ReasonForm
from blueprints.admin.webhook_forms import EventsForm, ReplayForm, a_day_ago
from portal.kit.words import number
from portal.permissions import StaffRole
from portal.stripe_mirror.comparisons import (
    findings_of,
    get_reconciliation,
    latest_reconciliations,
    portal_checks,
)
from portal.stripe_mirror.event_log import event_counts, events_page, get_event
from portal.stripe_mirror.reconcile import ask_reconciliation, count_customers
from portal.stripe_mirror.replay import count_since, replay_event, replay_since

ONE_EVENT = "/webhooks/events/<event_id>"


@dataclass(frozen=True, slots=True)
class WebhookQuestion(Question):
    """Asked on the page of webhooks, or on the page of one event."""

    event_id: str = ""

    @property
    def back(self) -> str:
        """Where it was asked."""
        if self.event_id:
            return url_for("admin.webhook_event", event_id=self.event_id)
        return url_for("admin.webhooks", _anchor=self.section)

    @property
    def back_label(self) -> str:
        """What the way back is called."""
        return "Event" if self.event_id else "Webhooks"

    @property
    def who_reads(self) -> str:
        """An event of a customer stands in that customer's log, the others in that of all."""
        return "The customer reads it in their activity." if self.event_id else "It stands in the audit log."


@admin.get("/webhooks")
@staff_only(StaffRole.SUPPORT)
def webhooks() -> Response:
    """Events, those that were given up first, and the latest reconciliations; for HTMX the events alone."""
    form, after = EventsForm(), request.args.get("after")
    found = events_page(form.wanted(), after) if form.validate() else None
    status = 200 if found else 422
    if is_fragment_request():
        return fragment("admin/_webhooks.html", status, form=form, events=found, after=after)
    return page(
        "admin/webhooks.html",
        status,
        form=form,
        events=found,
        after=after,
        counts=event_counts(),
        reconciliations=latest_reconciliations(),
        checks=portal_checks(),
        may_act=may_act(),
    )


@admin.get(ONE_EVENT)
@staff_only(StaffRole.SUPPORT)
def webhook_event(event_id: str) -> Response:
    """One event: what it is about and what became of it, never its content."""
    return page("admin/webhook_event.html", event=get_event(event_id), may_act=may_act())


@admin.get(f"{ONE_EVENT}/replay")
@staff_only(StaffRole.LEAD)
def confirm_event_replay(event_id: str) -> Response:
    """Ask for the reason."""
    return ask(about_event(event_id), ReasonForm(formdata=None))


@admin.post(f"{ONE_EVENT}/replay")
@staff_only(StaffRole.LEAD)
def replay_one_event(event_id: str) -> Response:
    """Have one event handled again, whomever it is about."""
    question, actor = about_event(event_id), staff_actor(None)
    return answer(
        question,
        ReasonForm(),
        lambda reason: replay_event(actor, event_id, reason),
        "The event is handled again within seconds.",
    )


def about_event(event_id: str) -> WebhookQuestion:
    """What handling an event again means. Raises `NotFoundError`."""
    event = get_event(event_id)
    consequence = "The portal reads what the event is about from Stripe again and writes what it finds."
    return WebhookQuestion(
        "", f"Handle {event.type} again", consequence, "Handle again", "events", event_id=event.id
    )


@admin.get("/webhooks/replay")
@staff_only(StaffRole.LEAD)
def confirm_replay_since() -> Response:
    """Ask since when, and why."""
    since = a_day_ago()
    return ask(about_replaying(since), ReplayForm(formdata=None, since=since))


@admin.post("/webhooks/replay")
@staff_only(StaffRole.LEAD)
@limiter.limit(COSTLY)
def replay_events_since() -> Response:
    """Have everything handled again that was received since a time."""
    form, actor = ReplayForm(), staff_actor(None)
    count = carry_out(form, lambda: replay_since(actor, form.since.data, str(form.reason.data)))
    if count is None:
        return ask(about_replaying(a_day_ago()), form, 422)
    events = "1 event is" if count == 1 else f"{number(count)} events are"
    message = f"{events} handled again." if count else "No event was received since then."
    return redirect_to(url_for("admin.webhooks"), message, "success" if count else "info")


def about_replaying(since: datetime) -> WebhookQuestion:
    """What handling all of them again means, told of those since a time."""
    consequence = (
        "For each event that was handled, failed or was given up, the portal reads Stripe again and writes what it "
        "finds. "
        f"In the last 24 hours there were {number(count_since(since))}."
    )
    return WebhookQuestion("", "Handle all events again", consequence, "Handle again", "events")


@admin.get("/webhooks/reconcile")
@staff_only(StaffRole.LEAD)
def confirm_reconciliation() -> Response:
    """Ask for the reason."""
    return ask(about_reconciling(), ReasonForm(formdata=None))


@admin.post("/webhooks/reconcile")
@staff_only(StaffRole.LEAD)
@limiter.limit(COSTLY)
def reconcile() -> Response:
    """Queue a comparison of everything with Stripe; the worker does it."""
    actor = staff_actor(None)
    return answer(
        about_reconciling(),
        ReasonForm(),
        lambda reason: ask_reconciliation(actor, reason),
        "The comparison begins within seconds. Its findings are listed here.",
    )


def about_reconciling() -> WebhookQuestion:
    """What a comparison means."""
    customers = count_customers()
    consequence = (
        f"The worker reads {'the customer' if customers == 1 else f'all {number(customers)} customers'} from "
        "Stripe, puts right what differs here, and lists it. Nothing is changed at Stripe."
    )
    return WebhookQuestion("", "Compare with Stripe now", consequence, "Compare now", "reconciliations")


@admin.get("/webhooks/reconciliations/<reconciliation_id>")
@staff_only(StaffRole.SUPPORT)
def reconciliation(reconciliation_id: str) -> Response:
    """One comparison and what it found."""
    found = get_reconciliation(reconciliation_id)
    return page("admin/reconciliation.html", reconciliation=found, findings=findings_of(found))
