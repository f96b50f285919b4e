"""Staff have the support inbox audited, read what came out, and settle what the tagger was unsure of."""

from flask import Response, request, url_for

from blueprints._actor import staff_actor
from blueprints._downloads import download
from blueprints._forms import carry_out
from blueprints._guards import staff_only
from blueprints._htmx import fragment, is_fragment_request, page, redirect_to
from blueprints._limits import COSTLY, limiter
from blueprints._uploads import takes_file
from blueprints.admin import admin
from blueprints.admin._asking import may_act
from blueprints.admin.ticket_forms import LEAVE, PinForm, TicketAuditForm, TicketsForm
from portal.inbox.charts import ranking_chart
from portal.inbox.queries import (
    TicketFilter,
    audit_file,
    audit_file_names,
    audits_page,
    count_tickets,
    get_audit,
    get_ticket,
    tickets_page,
)
from portal.inbox.reasons import all_reasons
from portal.inbox.report import ReportWords, percent
from portal.inbox.service import LARGEST_BYTES, ask_audit, is_waiting, pin_reason, unpin_reason
from portal.permissions import StaffRole

AUDITS = "/deflection/audits"
TICKETS = "/deflection/tickets"
CHOICES = [(reason.key, reason.title) for reason in all_reasons().values()]
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}


@admin.get(AUDITS)
@staff_only(StaffRole.SUPPORT)
def ticket_audits() -> Response:
    """All audits, newest first."""
    after = request.args.get("after")
    return page(
        "admin/ticket_audits.html",
        audits=audits_page(after),
        after=after,
        unclear=count_tickets(TicketFilter()),
        may_act=may_act(),
    )


@admin.get(f"{AUDITS}/new")
@staff_only(StaffRole.LEAD)
def new_ticket_audit() -> Response:
    """Ask for the files."""
    return page("admin/ticket_audit_new.html", form=TicketAuditForm(formdata=None))


@admin.post(f"{AUDITS}/new")
@staff_only(StaffRole.LEAD)
@limiter.limit(COSTLY)
@takes_file(LARGEST_BYTES)
def ask_ticket_audit() -> Response:
    """Queue an audit of the files; the worker does it."""
    actor, form = staff_actor(None), TicketAuditForm()
    audit = carry_out(form, lambda: ask_audit(actor, form.sent(), form.plan()))
    if audit is None:
        return page("admin/ticket_audit_new.html", 422, form=form)
    return redirect_to(url_for("admin.ticket_audit", audit_id=audit.id), "The audit begins within seconds.")


@admin.get(f"{AUDITS}/<audit_id>")
@staff_only(StaffRole.SUPPORT)
def ticket_audit(audit_id: str) -> Response:
    """How far it is, then what came out; the page asks again by itself until it is done."""
    audit = get_audit(audit_id)
    summary = audit.summary
    show = fragment if is_fragment_request() else page
    return show(
        "admin/_ticket_audit.html" if is_fragment_request() else "admin/ticket_audit.html",
        audit=audit,
        is_waiting=is_waiting(audit),
        words=ReportWords(summary) if summary else None,
        chart=ranking_chart(summary["ranked"]) if summary and summary["ranked"] else None,
        files=audit_file_names(audit_id),
        percent=percent,
    )


@admin.get(f"{AUDITS}/<audit_id>/files/<name>")
@staff_only(StaffRole.SUPPORT)
@limiter.limit(COSTLY)
def ticket_audit_file(audit_id: str, name: str) -> Response:
    """One of the files that the audit wrote."""
    kind = MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return download(audit_file(audit_id, name), name, kind)


@admin.get(TICKETS)
@staff_only(StaffRole.SUPPORT)
def inbox_tickets() -> Response:
    """Stored tickets, the unclear ones unless asked otherwise; for HTMX the list alone."""
    form, after = TicketsForm(), request.args.get("after")
    is_valid = form.validate()
    wanted = form.wanted() if is_valid else TicketFilter()
    show = fragment if is_fragment_request() else page
    return show(
        "admin/_inbox_tickets.html" if is_fragment_request() else "admin/inbox_tickets.html",
        200 if is_valid else 422,
        form=form,
        tickets=tickets_page(wanted, after) if is_valid else None,
        count=count_tickets(wanted) if is_valid else 0,
        after=after,
        reasons=all_reasons(),
        choices=CHOICES,
        may_act=may_act(),
    )


@admin.post(f"{TICKETS}/<ticket_id>/reason")
@staff_only(StaffRole.LEAD)
def pin_ticket_reason(ticket_id: str) -> Response:
    """Settle why a ticket was written, or take that back. HTMX gets its row, a plain form the list."""
    actor, form = staff_actor(None), PinForm()
    is_left = form.reason.data == LEAVE
    said = "Left to the tagger." if is_left else "Settled."
    done = carry_out(
        form,
        lambda: unpin_reason(actor, ticket_id) if is_left else pin_reason(actor, ticket_id, form.reason.data),
    )
    if is_fragment_request():
        return fragment(
            "admin/_inbox_ticket.html",
            200 if done else 422,
            toast=said if done else None,
            ticket=get_ticket(ticket_id),
            error=" ".join([*form.reason.errors, *form.form_errors]),
            reasons=all_reasons(),
            choices=CHOICES,
            may_act=True,
        )
    if done is None:
        errors = " ".join([*form.reason.errors, *form.form_errors])
        return redirect_to(url_for("admin.inbox_tickets"), errors, "error")
    return redirect_to(url_for("admin.inbox_tickets"), said)
