"""The whole timetable: one row a job. The job's module, function and id carry the same name."""

from jobs.check_tax_ids import check_tax_ids
from jobs.deliver_mails import deliver_mails
from jobs.deliver_slack import deliver_slack
from jobs.end_staff_views import end_staff_views
from jobs.fan_out_events import fan_out_events
from jobs.find_overdue_invoices import find_overdue_invoices
from jobs.find_pinned_configuration import find_pinned_configuration
from jobs.find_portal_drift import find_portal_drift
from jobs.finish_recoveries import finish_recoveries
from jobs.note_audit_heads import note_audit_heads
from jobs.plan_reconciliation import plan_reconciliation
from jobs.push_to_stripe import push_to_stripe
from jobs.reconcile_stripe import reconcile_stripe
from jobs.report_deflection import report_deflection
from jobs.retry_stripe_events import retry_stripe_events
from jobs.rows import Row, SlotRow, daily, hourly
from jobs.run_ticket_audits import run_ticket_audits
from jobs.send_digests import send_digests
from jobs.send_nudges import send_nudges
from jobs.tidy_up import tidy_up
from portal.notifications.digests import DIGEST_HOUR

TIMETABLE: tuple[Row | SlotRow, ...] = (
    Row(retry_stripe_events, 1, queue="stripe-events"),
    Row(fan_out_events, 1, queue="event"),
    Row(deliver_mails, 1, queue="mail"),
    Row(deliver_slack, 1, queue="slack"),
    Row(push_to_stripe, 1, queue="stripe"),
    Row(reconcile_stripe, 5),
    Row(check_tax_ids, 2),
    Row(run_ticket_audits, 2),
    Row(report_deflection, 10),
    Row(end_staff_views, 15),
    Row(finish_recoveries, 30),
    Row(find_pinned_configuration, 600),
    daily(plan_reconciliation, hour=2, minute=20),
    hourly(find_overdue_invoices, minute=7),
    hourly(tidy_up, minute=17),
    daily(send_digests, hour=DIGEST_HOUR, queue="digest"),
    daily(send_nudges, hour=9, minute=20),
    daily(note_audit_heads, hour=3, minute=40),
    daily(find_portal_drift, hour=3, minute=20),
)
