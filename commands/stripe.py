"""`flask stripe`: the Customer Portal, the events, and the mirror of Stripe."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click

from commands.output import JSON, DatabaseGroup, counted, progress, say_json
from commands.stripe_portal import configure_portal, show_drift
from portal.actor import system_actor
from portal.context import stripe
from portal.errors import NotFoundError, PortalError
from portal.extensions import db
from portal.gateways.stripe_api import StripeUnavailableError, patience
from portal.kit.clock import utcnow
from portal.kit.tokens import random_text
from portal.permissions import StaffRole
from portal.stripe_mirror.models import ReconciliationStatus, StripeReconciliation
from portal.stripe_mirror.reconcile import (
    ask_reconciliation,
    count_customers,
    keep_claim,
    put_off,
    reconcile_next,
)
from portal.stripe_mirror.replay import replay_event, replay_since

stripe_commands = DatabaseGroup(
    "stripe", help="Stripe: its Customer Portal, its events, and what is kept of it."
)
stripe_commands.add_command(configure_portal)
stripe_commands.add_command(show_drift)
OPERATOR = replace(system_actor(None, "Operator"), staff_role=StaffRole.LEAD)
REASON = click.option("--reason", default="Asked for on the command line", help="Kept in the audit log.")
WAIT_SECONDS = 10
LONGEST_WAIT = timedelta(minutes=10)


@stripe_commands.command("replay")
@click.argument("event_id", required=False)
@click.option(
    "--since", metavar="TIME", help="All events received since then, such as 2026-11-23T14:00, in UTC."
)
@JSON
@REASON
def replay(event_id: str | None, since: str | None, as_json: bool, reason: str) -> None:
    """Have the event EVENT_ID handled again by the worker, or all events since a time."""
    if (event_id is None) == (since is None):
        raise click.UsageError("Name one event, or a time with --since.")
    try:
        if event_id is not None:
            replay_event(OPERATOR, event_id, reason)
        count = 1 if since is None else replay_since(OPERATOR, _moment(since), reason)
    except NotFoundError:
        raise click.ClickException(f"There is no event {event_id} here.") from None
    except PortalError as error:
        raise click.ClickException(error.message) from error
    db.session.commit()
    if as_json:
        say_json(events=count)
    else:
        click.echo(f"{counted(count, 'event')} will be handled again.")


@stripe_commands.command("reconcile")
@JSON
@REASON
def reconcile(as_json: bool, reason: str) -> None:
    """Compare what is kept of every customer with Stripe, put it right, and say what differed.

    Ends with 1 if anything could not be compared or put right.
    """
    worker = f"command-{random_text(8)}"
    try:
        stripe()  # raises where it is not connected
        asked = ask_reconciliation(OPERATOR, reason, worker).id
        db.session.commit()
        with patience():
            _run(asked, worker)
    except PortalError as error:
        raise click.ClickException(error.message) from error
    row = db.session.get_one(StripeReconciliation, asked, populate_existing=True)
    items = row.findings.get("items", [])
    if as_json:
        say_json(
            status=row.status, customers=row.customers, objects=row.objects, found=row.found, findings=items
        )
    else:
        _say(row)
    if row.status is not ReconciliationStatus.DONE or not all(item["is_repaired"] for item in items):
        raise click.ClickException("not everything could be put right.")


def _run(reconciliation_id: str, worker: str) -> None:
    """To the end, waiting where Stripe does not answer. Killed meanwhile, a worker goes on with it."""
    with progress("Comparing", count_customers(), every=1) as step:
        waited = timedelta()
        while True:
            try:
                if not reconcile_next(reconciliation_id, worker):
                    return
                step()
                waited = timedelta()
            except StripeUnavailableError as error:
                wait = timedelta(seconds=error.retry_after_seconds or WAIT_SECONDS)
                waited += wait
                if waited > LONGEST_WAIT:
                    put_off(reconciliation_id, worker, error)
                    raise
                keep_claim(reconciliation_id, worker, wait)
                time.sleep(wait.total_seconds())


def _say(row: StripeReconciliation) -> None:
    for item in row.findings.get("items", []):
        fields = f" ({', '.join(item['fields'])})" if item["fields"] else ""
        done = "put right" if item["is_repaired"] else "left as it is"
        click.echo(
            f"{item['customer_id']}: {item['kind']} {item['object_id']} {item['what']}{fields}: {done}"
        )
    if row.found > len(row.findings.get("items", [])):
        click.echo(f"... {counted(row.found, 'difference')} in all")
    click.echo(
        f"{counted(row.customers, 'customer')}, {counted(row.objects, 'object')}: {counted(row.found, 'difference')}."
    )


def _moment(text: str) -> datetime:
    """Raises `click.BadParameter` for what is no time, or one to come."""
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("a time is needed, such as 2026-11-23T14:00", param_hint="--since") from None
    if found > utcnow():
        raise click.BadParameter("a time that is past is needed", param_hint="--since")
    return found
